/** Application permissions by what they open. */
export const permissions = {
  readUsers: [
    'User.Read.All',
    'User.ReadWrite.All',
    'Directory.Read.All',
    'Directory.ReadWrite.All',
  ],
  writeUsers: ['User.ReadWrite.All', 'Directory.ReadWrite.All'],
  /** Each opens an update of a few properties only, see `access.ts`. */
  writeSomeOfUsers: [
    'User-PasswordProfile.ReadWrite.All',
    'User.EnableDisableAccount.All',
    'User-Phone.ReadWrite.All',
    'User-Mail.ReadWrite.All',
  ],
  /** Directory.ReadWrite.All does not open it. */
  deleteUsers: ['User.ReadWrite.All', 'User.DeleteRestore.All'],
  revokeSessions: ['User.RevokeSessions.All', 'User.ReadWrite.All', 'Directory.ReadWrite.All'],
  readGroups: [
    'GroupMember.Read.All',
    'GroupMember.ReadWrite.All',
    'Group.Read.All',
    'Group.ReadWrite.All',
    'Directory.Read.All',
    'Directory.ReadWrite.All',
  ],
  createGroups: ['Group.Create', 'Group.ReadWrite.All', 'Directory.ReadWrite.All'],
  writeGroups: ['Group.ReadWrite.All', 'Directory.ReadWrite.All'],
  writeMembers: ['GroupMember.ReadWrite.All', 'Group.ReadWrite.All', 'Directory.ReadWrite.All'],
  readDomains: ['Domain.Read.All', 'Directory.Read.All', 'Directory.ReadWrite.All'],
  readOrganization: [
    'Organization.Read.All',
    'User.Read.All',
    'User.ReadWrite.All',
    'Directory.Read.All',
    'Directory.ReadWrite.All',
  ],
  readLicences: [
    'LicenseAssignment.Read.All',
    'Organization.Read.All',
    'Directory.Read.All',
    'Directory.ReadWrite.All',
  ],
  readDirectory: ['Directory.Read.All', 'Directory.ReadWrite.All'],
} as const
