'use strict'
// cds-serve listens on every interface; a counterpart of tests is to be reached from this machine only.
const cds = require('@sap/cds')
const http = require('node:http')
const listen = http.Server.prototype.listen
http.Server.prototype.listen = function (options, ...rest) {
  const port = typeof options === 'object' ? options.port : options
  return listen.call(this, { port, host: '127.0.0.1' }, ...rest.filter((each) => typeof each === 'function'))
}
module.exports = cds.server
