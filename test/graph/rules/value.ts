import { type Json, isJsonArray, isJsonObject } from '../../../src/kernel/json.ts'
import { valueErrors } from '../errors.ts'
import { type Kind, type PropertyFacts, complexMembers } from '../schema.ts'
import { formats } from './formats.ts'

/** One property of a write together with what is known of it. */
interface Written {
  readonly kind: Kind
  readonly name: string
  readonly facts: PropertyFacts
}

/** Throws the service's error unless the value is one that the property may have. */
export function checkValue(kind: Kind, name: string, facts: PropertyFacts, value: Json): void {
  const written = { kind, name, facts }
  if (value === null) return checkNull(written)
  if (facts.collection) return checkCollection(written, value)
  if (facts.type.startsWith('graph.')) return checkComplex(written, value)
  checkPrimitive(written, value)
}

function checkNull({ kind, name, facts }: Written): void {
  if (facts.collection || facts.nullable === false) throw valueErrors.invalidValue(kind, name)
  if (facts.clearable === false) throw valueErrors.required(kind, name)
}

function checkCollection({ kind, name, facts }: Written, value: Json): void {
  if (!isJsonArray(value)) throw valueErrors.invalidValues()
  if (value.length > (facts.maxItems ?? Infinity)) throw valueErrors.invalidValue(kind, name)
  const { maxLength: _, maxItemLength, ...rest } = facts
  const itemFacts = maxItemLength === undefined ? rest : { ...rest, maxLength: maxItemLength }
  for (const item of value) checkItem({ kind, name, facts: itemFacts }, item)
}

function checkItem(written: Written, item: Json): void {
  if (item === null) throw valueErrors.invalidValue(written.kind, written.name)
  if (written.facts.type === 'Collection(Edm.String)') checkText(written, item)
}

function checkPrimitive(written: Written, value: Json): void {
  switch (written.facts.type) {
    case 'Edm.Boolean':
      if (typeof value !== 'boolean') throw valueErrors.invalidValues()
      return
    case 'Edm.Int32':
      if (!Number.isInteger(value)) throw valueErrors.invalidValues()
      return
    case 'Edm.DateTimeOffset':
      if (typeof value !== 'string' || Number.isNaN(Date.parse(value)))
        throw valueErrors.invalidValues()
      return
    default:
      checkText(written, value)
  }
}

function checkText({ kind, name, facts }: Written, value: Json): void {
  if (typeof value !== 'string') throw valueErrors.invalidValues()
  const fits =
    value.length >= (facts.minLength ?? 1) && value.length <= (facts.maxLength ?? Infinity)
  if (!fits && facts.statedMaxLength !== undefined)
    throw valueErrors.length(name, facts.statedMaxLength)
  if (!fits) throw valueErrors.invalidValue(kind, name)
  const isWellFormed = formats[facts.format ?? ''] ?? (() => true)
  if (!isWellFormed(value)) throw valueErrors.invalidValue(kind, name)
}

function checkComplex({ kind, name, facts }: Written, value: Json): void {
  const members = complexMembers[facts.type]
  if (!isJsonObject(value)) throw valueErrors.invalidValues()
  if (!members) return
  for (const [member, item] of Object.entries(value)) {
    const known = members.get(member)
    if (!known) throw valueErrors.unknownProperty()
    if (item === null) continue
    checkPrimitive({ kind, name, facts: sized(known, facts.maxSubAttributeLength) }, item)
  }
}

const sized = (facts: PropertyFacts, maxLength: number | undefined): PropertyFacts =>
  maxLength === undefined ? facts : { ...facts, maxLength }
