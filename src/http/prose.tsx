/** Descriptions, which are Markdown in the OpenAPI document, as HTML: paragraphs, lists and code, which is all that they use. */
import type { FC } from 'hono/jsx'

/** A description that stands in a line of its own. */
export const Prose: FC<{ readonly text: string }> = ({ text }) => (
  <>
    {text.split('\n\n').map((block) => {
      const lines = block.split('\n')
      const items = lines.filter((line) => line.startsWith(ITEM))
      const lead = lines.filter((line) => !line.startsWith(ITEM)).join(' ')
      return (
        <>
          {lead === '' ? null : (
            <p>
              <Line text={lead} />
            </p>
          )}
          {items.length === 0 ? null : (
            <ul>
              {items.map((item) => (
                <li>
                  <Line text={item.slice(ITEM.length)} />
                </li>
              ))}
            </ul>
          )}
        </>
      )
    })}
  </>
)

const ITEM = '- '

/** What stands between backticks is code. */
export const Line: FC<{ readonly text: string }> = ({ text }) => (
  <>{text.split('`').map((part, at) => (at % 2 === 1 ? <code>{part}</code> : part))}</>
)

/** A description beside a type: a line, or a list below it. */
export const Remark: FC<{ readonly text: string }> = ({ text }) =>
  text.includes('\n') ? <Prose text={text} /> : <Line text={text} />
