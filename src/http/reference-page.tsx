/** The reference of the admin API as one page of HTML, made of its OpenAPI document. Nothing is loaded by it. */
import type { FC } from 'hono/jsx'
import { renderToString } from 'hono/jsx/dom/server'

import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import { Line, Prose, Remark } from './prose.tsx'

/** The page; everything of the document is escaped by the JSX that it stands in. */
export function referencePage(document: JsonObject): string {
  const operations = operationsOf(document)
  const tags = [...new Set(operations.map(({ tag }) => tag))]
  const { title, description } = objectOf(document['info'])
  const server = objectOf(arrayOf(document['servers'])[0])
  const page = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>{textOf(title)}</title>
        <style>{STYLE}</style>
      </head>
      <body>
        <nav aria-label="Contents">
          {tags.map((tag) => (
            <a href={`#${tag}`}>{tag}</a>
          ))}
          <a href="#shapes">shapes</a>
        </nav>
        <main>
          <h1>{textOf(title)}</h1>
          <Prose text={textOf(description)} />
          <p>
            Base URL: <code>{textOf(server['url'])}</code> at the address of your gateway
          </p>
          <p>
            For programs: <a href="openapi.json">openapi.json</a>
          </p>
          {tags.map((tag) => (
            <section id={tag}>
              <h2>{tag}</h2>
              {operations
                .filter((item) => item.tag === tag)
                .map((item) => (
                  <Operation {...item} />
                ))}
            </section>
          ))}
          <Shapes schemas={objectOf(objectOf(document['components'])['schemas'])} />
        </main>
      </body>
    </html>
  )
  return `<!doctype html>${renderToString(page)}`
}

interface OperationProps {
  readonly method: string
  readonly path: string
  readonly tag: string
  readonly operation: JsonObject
}

function operationsOf(document: JsonObject): OperationProps[] {
  const paths = Object.entries(objectOf(document['paths']))
  return paths.flatMap(([path, methods]) =>
    Object.entries(objectOf(methods)).map(([method, found]) => {
      const operation = objectOf(found)
      const [tag] = arrayOf(operation['tags'])
      return { method: method.toUpperCase(), path, tag: textOf(tag), operation }
    }),
  )
}

const Operation: FC<OperationProps> = ({ method, path, operation }) => {
  const body = objectOf(operation['requestBody'])
  const responses = Object.entries(objectOf(operation['responses'])).map(
    ([status, answer]) => [status, objectOf(answer)] as const,
  )
  // All refusals look alike, and stand in the document once.
  const answers = responses.filter(([, answer]) => answer['$ref'] === undefined)
  const refusals = responses.filter(([, answer]) => answer['$ref'] !== undefined)
  return (
    <article id={textOf(operation['operationId'])}>
      <h3>
        <code>
          {method} {path}
        </code>
      </h3>
      <p>
        <strong>
          <Line text={`${textOf(operation['summary'])}.`} />
        </strong>
      </p>
      <Prose text={textOf(operation['description'])} />
      <Parameters parameters={arrayOf(operation['parameters']).map(objectOf)} />
      {body['content'] === undefined ? null : (
        <details>
          <summary>{body['required'] === true ? 'Body' : 'Body, which may be left out'}</summary>
          <Schema schema={schemaIn(body)} />
        </details>
      )}
      {answers.map(([status, answer]) => (
        <Answer status={status} answer={answer} />
      ))}
      <p class="refusals">
        Or refuses, with a <a href="#Problem">Problem</a>:{' '}
        {refusals.map(([status]) => status).join(', ')}
      </p>
    </article>
  )
}

const Parameters: FC<{ readonly parameters: readonly JsonObject[] }> = ({ parameters }) =>
  parameters.length === 0 ? null : (
    <table>
      <tbody>
        {parameters.map((parameter) => (
          <tr>
            <td>
              <code>{textOf(parameter['name'])}</code>
            </td>
            <td class="in">{textOf(parameter['in'])}</td>
            <td>
              <Type schema={objectOf(parameter['schema'])} />{' '}
              <Remark
                text={textOf(
                  parameter['description'] ?? objectOf(parameter['schema'])['description'],
                )}
              />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )

const Answer: FC<{ readonly status: string; readonly answer: JsonObject }> = ({
  status,
  answer,
}) => {
  const [media] = Object.keys(objectOf(answer['content']))
  if (media === undefined) return <p>Answers {status}.</p>
  return (
    <details>
      <summary>
        Answers {status}, {media}
      </summary>
      <Schema schema={schemaIn(answer)} />
    </details>
  )
}

const Shapes: FC<{ readonly schemas: JsonObject }> = ({ schemas }) => (
  <section id="shapes">
    <h2>shapes</h2>
    {Object.entries(schemas).map(([name, schema]) => (
      <article id={name}>
        <h3>{name}</h3>
        <Prose text={textOf(objectOf(schema)['description'])} />
        <Schema schema={objectOf(schema)} />
      </article>
    ))}
  </section>
)

const Schema: FC<{ readonly schema: JsonObject }> = ({ schema }) => {
  const required = arrayOf(schema['required'])
  const properties = Object.entries(objectOf(schema['properties']))
  const forms = arrayOf(schema['anyOf'] ?? schema['oneOf']).map(objectOf)
  if (forms.some((form) => form['properties'] !== undefined)) return <Forms forms={forms} />
  if (properties.length === 0)
    return <p>{schema['properties'] ? 'no members' : <Type schema={schema} />}</p>
  return (
    <table>
      <tbody>
        {properties.map(([name, property]) => (
          <tr>
            <td>
              <code>{name}</code>
              {required.includes(name) ? '' : ' (optional)'}
            </td>
            <td>
              <Value schema={objectOf(property)} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** What has one of several forms. */
const Forms: FC<{ readonly forms: readonly JsonObject[] }> = ({ forms }) => (
  <>
    {forms.map((form, at) => (
      <>
        {at === 0 ? null : <p>or</p>}
        <Schema schema={form} />
      </>
    ))}
  </>
)

/** What a member holds: its type, and the members of an object inside. */
const Value: FC<{ readonly schema: JsonObject }> = ({ schema }) => {
  const forms = arrayOf(schema['anyOf'] ?? schema['oneOf']).map(objectOf)
  const inside = [schema, objectOf(schema['items']), ...forms]
  const nested = inside.filter((item) => item['properties'] !== undefined)
  return (
    <>
      <Type schema={schema} /> <Remark text={textOf(schema['description'])} />
      <Forms forms={nested} />
    </>
  )
}

/** A type in words; a shape that has a name is a link to it. */
const Type: FC<{ readonly schema: JsonObject }> = ({ schema }) => {
  const shapes = shapesIn(schema)
  const parts = typeOf(schema).split(/\b/)
  return (
    <span class="type">
      {parts.map((part) => (shapes.includes(part) ? <a href={`#${part}`}>{part}</a> : part))}
    </span>
  )
}

function shapesIn({ $ref, anyOf, oneOf, items }: JsonObject): string[] {
  if (typeof $ref === 'string') return [nameOf($ref)]
  return [...arrayOf(anyOf ?? oneOf), items].flatMap((inner) =>
    inner === undefined ? [] : shapesIn(objectOf(inner)),
  )
}

const nameOf = (reference: string): string => reference.replace(/^.*\//, '')

function typeOf(schema: JsonObject): string {
  const { $ref, type, const: only, enum: words, anyOf, oneOf, items, format } = schema
  if (typeof $ref === 'string') return nameOf($ref)
  if (only !== undefined) return JSON.stringify(only)
  if (words !== undefined) return arrayOf(words).map(textOf).join(' | ')
  const choices = arrayOf(anyOf ?? oneOf).map((choice) => typeOf(objectOf(choice)))
  if (choices.length > 0) return [...new Set(choices)].join(' | ')
  if (type === 'array') return `${typeOf(objectOf(items))}[]`
  return textOf(format ?? type ?? 'anything')
}

const schemaIn = (holder: JsonObject): JsonObject => {
  const [content] = Object.values(objectOf(holder['content']))
  return objectOf(objectOf(content)['schema'])
}
const objectOf = (value: Json | undefined): JsonObject => (isJsonObject(value) ? value : {})
const arrayOf = (value: Json | undefined): readonly Json[] => (isJsonArray(value) ? value : [])
const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '')

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0; display: flex }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1rem; display: flex; flex-direction: column }
main { flex: 1; min-width: 0; max-width: 60rem; padding: 1rem 2rem }
article { margin: 2rem 0; padding: 0 1rem 1rem; border: 1px solid #8886; border-radius: 6px }
code { font: .9em ui-monospace, monospace }
table { border-collapse: collapse; width: 100% }
td { border-top: 1px solid #8886; padding: .3rem .5rem; vertical-align: top; overflow-wrap: anywhere }
td:first-child { width: 14rem }
td td:first-child { width: 9rem }
.type { font: .85em ui-monospace, monospace; opacity: .75; margin-right: .6em }
summary { cursor: pointer }
.in { width: 4rem; white-space: nowrap }
.refusals { opacity: .75; margin: .5rem 0 0 }
@media (max-width: 50rem) { body { display: block } nav { position: static; height: auto; flex-flow: row wrap; gap: 1rem } }
`
