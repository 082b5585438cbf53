/** `/directories` of the admin API, described; and what belongs to a directory. */
import * as v from 'valibot'

import { type ApiRoom, listOf } from '../http/describe-api.ts'
import { pageParameters } from '../http/parse-request.ts'
import {
  attributeShape,
  bindingShape,
  connectionShape,
  direction,
  directoryShape,
  jobShape,
  previewedShape,
  previewShape,
  statusShape,
} from './answer-shapes.ts'
import { bindingsQuery } from './binding-query.ts'
import { candidatesQuery } from './candidates.ts'
import { atSequence, bindingsBody, exportsBody, resourcesBody } from './command-body.ts'
import { ATTRIBUTES } from '../plan/attributes.ts'
import { directorySettingsSchema } from '../plan/settings.ts'
import { candidateShape, importForms } from './import-shape.ts'
import { previewBody } from './preview.ts'
import { directoryPatchSchema, newDirectorySchema } from './shape.ts'
import { undoBody } from './undo.ts'

const { bindNewUsers, reconcile, threshold } = directorySettingsSchema.entries

/** Settings are merged deeply into those that hold. */
const settingsPatch = v.pipe(
  v.partial(
    v.strictObject({
      ...directorySettingsSchema.entries,
      bindNewUsers: v.partial(bindNewUsers),
      reconcile: v.partial(reconcile),
      threshold: v.pipe(
        v.nullable(v.partial(threshold.wrapped)),
        v.description(v.getDescription(threshold) ?? ''),
      ),
    }),
  ),
  v.description('What is left out stays as it is.'),
)

const CHANGED = 'A previewed user has changed since.'

const attributesBody = v.pipe(
  v.partial(
    v.strictObject({
      ...Object.fromEntries(ATTRIBUTES.map(({ name }) => [name, direction] as const)),
      atSequence,
    }),
  ),
  v.description('Attributes and their new directions; all are set or none.'),
)

const CONNECTED = 'The tenant is connected already, or a source names it.'
const UPN_IMPORTED =
  'A source names the tenant; or `upnSource` names an attribute that the directory imports.'

export const directoryApi: ApiRoom = {
  shapes: {
    Directory: directoryShape,
    DirectorySettings: directorySettingsSchema,
    Attribute: attributeShape,
    Connection: connectionShape,
    DirectoryStatus: statusShape,
    Binding: bindingShape,
    Job: jobShape,
    PreviewedUser: previewedShape,
    ImportCandidate: candidateShape,
  },
  routes: {
    'GET /directories': {
      summary: 'List directories',
      query: v.object(pageParameters),
      answer: listOf(directoryShape),
    },
    'POST /directories': {
      summary: 'Connect a Microsoft 365 tenant',
      body: v.strictObject({ ...newDirectorySchema.entries, settings: v.optional(settingsPatch) }),
      answer: directoryShape,
      status: 201,
      conflict: CONNECTED,
    },
    'GET /directories/:id': { summary: 'Read a directory', answer: directoryShape },
    'PATCH /directories/:id': {
      summary: 'Change a directory',
      details: 'Settings are merged deeply.',
      body: v.strictObject({
        ...directoryPatchSchema.entries,
        settings: v.optional(settingsPatch),
      }),
      answer: directoryShape,
      conflict: UPN_IMPORTED,
    },
    'DELETE /directories/:id': {
      summary: 'Disconnect a tenant',
      details: 'Its bindings are dropped; Microsoft 365 stays as it is.',
    },
    'POST /directories/:id/test': {
      summary: 'Test the connection',
      details:
        'Asks for a token, and reads permissions and domains; nothing is written to Microsoft 365. A directory whose credential is refused stops (`auth_error`); one that had stopped goes on when all is well.',
      answer: connectionShape,
    },
    'GET /directories/:id/attributes': {
      summary: 'List attributes and their directions',
      details: 'All of them are one page.',
      query: v.object(pageParameters),
      answer: listOf(attributeShape),
    },
    'PATCH /directories/:id/attributes': {
      summary: 'Set directions of attributes',
      body: attributesBody,
      answer: listOf(attributeShape),
      conflict:
        'An attribute is locked, imported from another directory, or what this one takes the userPrincipalName from (`upnSource`) and so cannot import; or a user has changed since the preview.',
    },
    'GET /directories/:id/status': {
      summary: 'Read what a directory owes, and how fast it goes',
      answer: statusShape,
    },
    'GET /directories/:id/bindings': {
      summary: 'List bindings',
      query: bindingsQuery,
      answer: listOf(bindingShape),
    },
    'POST /directories/:id/bindings': {
      summary: 'Bind users and groups',
      details: 'They are exported at once; who is bound already is exported if something is owed.',
      body: resourcesBody,
      answer: jobShape,
      status: 202,
      conflict: CHANGED,
    },
    'DELETE /directories/:id/bindings': {
      summary: 'Unbind users and groups',
      details:
        'What becomes of their accounts is said by the settings onUnbind and onGroupDelete. The errors of the job name those who were unbound, or being unbound, already.',
      body: resourcesBody,
      answer: jobShape,
      status: 202,
      conflict: CHANGED,
    },
    'POST /directories/:id/exports': {
      summary: 'Export everything, or some users, again',
      details:
        'All attributes are sent, whatever was sent before. The errors of the job name whoever was asked for and is not bound, being unbound, or held.',
      body: exportsBody,
      isBodyOptional: true,
      answer: jobShape,
      status: 202,
    },
    'GET /directories/:id/failures': {
      summary: 'List what could not be exported, with the reasons and what to do',
      query: v.object(pageParameters),
      answer: listOf(bindingShape),
    },
    'POST /directories/:id/failures/replay': {
      summary: 'Try failures again',
      details: 'All but what was rejected: that is asked about again when it is named.',
      body: bindingsBody,
      answer: jobShape,
      status: 202,
    },
    'POST /directories/:id/held/approve': {
      summary: 'Approve what is held',
      details:
        'What is desired by then is carried out, not what was held. What was rejected before is approved when it is named.',
      body: bindingsBody,
      answer: jobShape,
      status: 202,
    },
    'POST /directories/:id/held/reject': {
      summary: 'Reject what is held',
      details:
        'The accounts stay as they are, whatever else changes of their users, until these are active or bound again. Who is suspended or deleted anew is asked about again. Approving a binding by its id carries it out after all; replaying it asks again.',
      body: bindingsBody,
      answer: jobShape,
      status: 202,
    },
    'POST /directories/:id/preview': {
      summary: 'Preview what a bind, or other directions, would change',
      details:
        'Microsoft 365 is read, and nothing is sent or stored. A manager who has no account yet is among the changes where there will be one: because the manager is one of the userIds, on whichever page, or is bound already, or by what the directory has still to follow of the log, and still to be exported. A preview of the bind of a manager tells, beside the userIds, of the users who were bound before, wait for that manager, and are linked by the bind; the pages are read alike. An account that was deleted here and is in the recycle bin of Microsoft 365 comes back to the same person, and is told as an update with the problem `restored_from_recycle_bin`; from anybody else who wants its name it is held. By an employeeId or an e-mail address no account is taken: of a user who would be created, accounts of other names that have the user’s `employeeNumber` as employeeId, or the e-mail address as mail or among otherMails, and that nobody here is bound to, are told with the problem `possible_match`, which says what to do if it is the same person; a bind creates an account all the same. Whoever is held already stays so, whatever changed in Microsoft 365 or in the settings: `problems` says what for, and `ifApproved` what an approval sends. Of somebody bound whom the directions asked for do not call, because each of them ends, or is as it was, nothing is told that Microsoft 365 refused before. An account that is to be disabled beyond the directory’s threshold, in the order of the pages, or whose disabling is held, is told with the problem `threshold`: `changes` is what is sent, and `ifApproved` the disabling. Of two users who would have one name, the second one cannot have it.',
      query: v.object(pageParameters),
      body: previewBody,
      answer: previewShape,
      conflict:
        'An attribute is locked, or imported from another directory; or Microsoft 365 refuses the credential of the directory.',
    },
    'GET /directories/:id/import-candidates': {
      summary: 'List the accounts of the tenant, and which of them can be imported',
      details: 'Microsoft 365 is read, and nothing is sent or stored.',
      query: candidatesQuery,
      answer: listOf(candidateShape),
      conflict: 'Microsoft 365 refuses the credential of the directory.',
    },
    'POST /directories/:id/import': {
      summary: 'Import accounts as users',
      details:
        'Email, first name, last name and username come in, where Microsoft 365 has them; nobody who is here is changed. With "bind" each account is adopted and exported at once, so that its display name becomes first and last name where it has any of them; without it nobody is bound here, whatever the directory does with new users, until a command or a group that it binds says so. To see before what a bind changes of the accounts, import without it, preview the users (POST …/preview {"userIds":[…]}; the events user_import name them), then bind them (POST …/bindings, with the preview’s sequence as atSequence). An account that was deleted meanwhile is not created anew. The username is the mailNickname, or what stands before the @ of the userPrincipalName where there is none that can be a username. A disabled account becomes a suspended user. An account that was let go of here, because its user was deleted or unbound, is imported by its id alone, never by all. Whether an account is privileged (holds a directory role) is asked of each account when it is bound, and not before: the candidates do not tell it, and with "bind" such a one becomes a user whose binding is held (`account_is_privileged`); the account is not touched. The errors of the job name who could not be imported, or not be bound.',
      body: importForms,
      answer: jobShape,
      status: 202,
      conflict: 'Microsoft 365 refuses the credential of the directory.',
    },
    'POST /directories/:id/undo': {
      summary: 'Undo a change of a direction, or a bind',
      details:
        'The direction or the bindings go back as they were, and what was overwritten in Microsoft 365 is sent once. The bind of a manager overwrote also whom the accounts had as their manager that were bound before and linked by it: these are given back with it. A value that somebody changed there after our export is left as it is: the errors of the job tell the account, the attribute, what it holds and what it held before (`changed_since`). A usage location that was empty before stays, since Microsoft 365 does not take it away again (`cannot_be_emptied`); a manager whose own account is gone by now is not put back, and the account has none (`manager_gone`). A user that was bound again or unbound since the event, or before this is through, is left, and told with what the event overwrote (`bound_again`, `unbound_since`); one that was bound all the time is no other for another bind. Of a user of whom something else is undone before this is through, the later undoing puts back what was left (`undone_meanwhile`). A direction that goes back to `export` goes on from what was exported before: only what was changed here meanwhile is sent, and what else Microsoft 365 holds by now stays, as drift. What was refused before, is held, or waits for its next try stays so, also of whoever is given a manager back: nothing else is sent. While the ending of a manager whose bind is undone is held, nobody is linked to her. A user that was deleted here is left as its ending leaves it, and told (`unbound_since`). A group that the account was in before the bind keeps it. What was overwritten is kept for 30 days; passwords are not: one that the bind has delivered stays, and that is told (`cannot_be_put_back`).',
      body: undoBody,
      answer: jobShape,
      status: 202,
      conflict: 'The event cannot be undone, or not any more.',
    },
    'GET /jobs': {
      summary: 'List long work and how far it has come, newest first',
      details: 'What is over is kept for 30 days from when it began.',
      query: v.object(pageParameters),
      answer: listOf(jobShape),
    },
    'GET /jobs/:id': {
      summary: 'Read how far long work has come',
      details:
        'Whoever has lost the answer that named the job finds it in the list, and its id in the event of the command: `details.jobId` of binding_create, binding_delete, export_requested, replay_requested, held_approve, held_reject and undo, and of the user_import events of an import.',
      answer: jobShape,
    },
  },
}
