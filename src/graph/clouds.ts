/**
 * Microsoft's clouds (https://learn.microsoft.com/graph/deployments): each has a Graph and a login host of its own, and takes
 * federated credentials under a name of its own. A deployment serves one of them.
 */

/** The resource of the other clouds is their own Graph; any other host (an emulator) stands for the global one. */
const NATIONAL_GRAPHS = new Set([
  'graph.microsoft.us',
  'dod-graph.microsoft.us',
  'microsoftgraph.chinacloudapi.cn',
])
const GLOBAL_GRAPH = 'graph.microsoft.com'

/** By login host. */
const NATIONAL_AUDIENCES: Readonly<Record<string, string>> = {
  'login.microsoftonline.us': 'api://AzureADTokenExchangeUSGov',
  'login.partner.microsoftonline.cn': 'api://AzureADTokenExchangeChina',
  'login.chinacloudapi.cn': 'api://AzureADTokenExchangeChina',
}
const GLOBAL_AUDIENCE = 'api://AzureADTokenExchange'

/** The scope that a token for this Graph is asked with. */
export function graphScope(graphBaseUrl: string): string {
  const { hostname } = new URL(graphBaseUrl)
  return `https://${NATIONAL_GRAPHS.has(hostname) ? hostname : GLOBAL_GRAPH}/.default`
}

/** The audience that this cloud's Entra ID demands of an assertion of another issuer. */
export const federatedAudience = (loginBaseUrl: string): string =>
  NATIONAL_AUDIENCES[new URL(loginBaseUrl).hostname] ?? GLOBAL_AUDIENCE
