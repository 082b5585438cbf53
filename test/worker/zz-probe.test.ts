import { env } from 'cloudflare:workers'
import { test } from 'vitest'
test('probe', async () => {
  const q = async (s: string, ...p: unknown[]) => { try { const r = await env.DB.prepare(s).bind(...p).all(); console.log(s.slice(0,160), '=>', JSON.stringify(r.results), r.meta.rows_read) } catch (e) { console.log(s.slice(0,160), 'ERR', String(e)) } }
  await q(`SELECT 'é' GLOB '*[̀-ͯ]*' a, 'e' || char(769) GLOB '*[̀-ͯ]*' b, unicode('é') c, octet_length('é') d`)
  await q(`SELECT length(CAST('é' AS BLOB)) d`)
  await q(`SELECT x, (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < length(t.x)) SELECT group_concat(char(unicode(substr(t.x,i,1))+1), '') FROM n) y FROM (SELECT 'abcé' AS x UNION ALL SELECT 'zz') t`)
  await q(`SELECT key, value, type, atom, id FROM json_each(?)`, JSON.stringify({ 'a"b': 1, 'c\\d': 2, 'x.y': 3, 'é': 1.5e21, "q'": true, z: null, o: {a:[1]}, n: 1e300, m: 12345678901234567 }))
  await q(`SELECT ? ->> '$.n' a, ? -> '$.n' b`, JSON.stringify({n: 1e21}), JSON.stringify({n: 1.5e-7}))
  await q(`SELECT instr('abc','') a, length(json_extract(?, '$.a')) b, json_extract(?, '$.b') c`, JSON.stringify({a:'x\u0000y'}), JSON.stringify({b: '\ud800'}))
  await q(`SELECT nullif(ifnull(max(ifnull(c,0.5)),0),0.5) x FROM (SELECT NULL AS c UNION ALL SELECT 0)`)
  await q(`SELECT json_extract(?, '$."urn:a''b.c"') x`, JSON.stringify({"urn:a'b.c": 5}))
  await q(`SELECT (SELECT count(*) FROM json_each(NULL)) a, (SELECT count(*) FROM json_each('{"a":1}', '$.b')) b, (SELECT count(*) FROM json_each('{"a":1}', '$.a')) c`)
  await q(`SELECT group_concat(x, '' ORDER BY i) FROM (SELECT 'a' x, 2 i UNION ALL SELECT 'b', 1)`)
  await q(`SELECT sqlite_source_id()`)
})
