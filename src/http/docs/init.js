// Starts Swagger UI as the settings console. A file of its own, because the page's policy allows no inline script.
window.ui = window.SwaggerUIBundle({
  url: '/docs/json',
  dom_id: '#console',
  deepLinking: true,
  persistAuthorization: false,
  displayRequestDuration: true,
  defaultModelsExpandDepth: -1,
  // The badge of Swagger UI would ask another host whether the document is valid.
  validatorUrl: null,
});
