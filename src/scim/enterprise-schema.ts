/** The enterprise extension of User (RFC 7643 sections 4.3 and 8.7.1). Data only. */
import { attribute, type SchemaDefinition } from './attributes.ts'
import { ENTERPRISE_USER_URN } from './urns.ts'

export const ENTERPRISE_USER_SCHEMA: SchemaDefinition = {
  id: ENTERPRISE_USER_URN,
  name: 'EnterpriseUser',
  description: 'What an employer records about a user',
  attributes: [
    attribute('employeeNumber', 'The number or code that the employer gave the user.'),
    attribute('costCenter', 'The name of the cost center.'),
    attribute('organization', 'The name of the organization.'),
    attribute('division', 'The name of the division.'),
    attribute('department', 'The name of the department.'),
    attribute('manager', 'The manager of the user.', {
      type: 'complex',
      subAttributes: [
        attribute('value', "The id of the manager's user.", { caseExact: true }),
        attribute('$ref', "The URL of the manager's user.", {
          type: 'reference',
          referenceTypes: ['User'],
          caseExact: true,
        }),
        attribute('displayName', 'The display name of the manager.', { mutability: 'readOnly' }),
      ],
    }),
  ],
}
