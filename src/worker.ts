export default {
  fetch: () => new Response('isthmus'),
} satisfies ExportedHandler
