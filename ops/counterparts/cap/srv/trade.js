'use strict'
const cds = require('@sap/cds')

module.exports = cds.service.impl(function () {
  const { Orders, Products, Items, Customers } = this.entities

  // A version that every change raises: what @odata.etag compares.
  this.before('UPDATE', [Orders, Customers], async (req) => {
    const { version } = (await SELECT.one.from(req.subject).columns('version')) ?? {}
    if (version !== undefined) req.data.version = version + 1
  })

  const to = (status, from) => async (req) => {
    const { ID } = req.params.at(-1)
    const order = await SELECT.one.from(Orders, ID)
    if (!order) return req.reject(404)
    if (order.status === status) return order
    if (!from.includes(order.status)) return req.reject(409, `order is ${order.status}`)
    const note = req.data.note ?? order.note
    await UPDATE(Orders, ID).with({ status, note, version: order.version + 1 })
    return SELECT.one.from(Orders, ID)
  }
  this.on('confirm', Orders, to('confirmed', ['open']))
  this.on('cancel', Orders, to('cancelled', ['open', 'confirmed']))
  this.on('weight', Orders, async (req) => {
    const items = await SELECT.from(Items).where({ parent_ID: req.params.at(-1).ID })
    return items.reduce((sum, item) => sum + item.quantity * 0.5, 0)
  })

  this.on('available', async (req) => {
    const found = await SELECT.one.from(Products, req.data.product)
    if (!found) return req.reject(404, `no product ${req.data.product}`)
    return { product: found.ID, available: found.stock, asOf: req.data.asOf }
  })
  this.on('stocktake', async (req) => {
    await UPDATE(Products, req.data.product).with({ stock: req.data.stock })
    return SELECT.one.from(Products, req.data.product)
  })
})
