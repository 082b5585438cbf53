import { isJsonArray } from '../../../src/kernel/json.ts'
import { valueErrors } from '../errors.ts'
import { type Answer, answer } from '../exchange.ts'
import { readOptions } from '../odata/options.ts'
import { contextOf } from '../odata/page.ts'
import { project, shapeOf, typed } from '../odata/project.ts'
import { permissions } from '../permissions.ts'
import { type Context, route } from '../route.ts'
import { objectBody } from '../rules/property.ts'

const MOST_IDS = 1000

/** The objects of up to 1,000 ids; what does not exist is left out silently. */
function getByIds({ replica, request }: Context): Answer {
  const { ids, types } = objectBody(request.body)
  if (!isJsonArray(ids) || ids.length > MOST_IDS) throw valueErrors.invalidValues()
  const kinds = isJsonArray(types) ? types : ['user', 'group']
  const options = readOptions(request)
  const value = ids.flatMap((id) => {
    const object = typeof id === 'string' ? replica.liveById(id) : undefined
    if (!object || !kinds.includes(object.kind)) return []
    return [typed(object, project(replica, object, shapeOf(replica, object.kind, options)))]
  })
  return answer(200, { '@odata.context': contextOf(request, 'directoryObjects', options), value })
}

export const directoryObjectRoutes = [
  route(
    'POST /directoryObjects/getByIds',
    'directoryObject.getByIds',
    permissions.readDirectory,
    getByIds,
    5,
  ),
]
