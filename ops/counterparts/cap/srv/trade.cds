using { house as db } from '../db/schema';

@path: 'trade' @requires: 'authenticated-user'
service Trade {
  entity Customers as projection on db.Customers;
  @cds.query.limit: { default: 3, max: 5 }
  entity Products  as projection on db.Products;
  entity Orders    as projection on db.Orders actions {
    action confirm(note : String(100)) returns Orders;
    action cancel() returns Orders;
    function weight() returns Double;
  };
  entity Items     as projection on db.Items;

  type Availability { product : String(20); available : Integer; asOf : Date; }
  function available(product : String(20), asOf : Date) returns Availability;
  action stocktake(product : String(20), stock : Integer) returns Products;
}
