namespace house;

/** Who buys. The key is the caller's to give. */
entity Customers {
  key ID         : String(10);
      name       : String(80) @mandatory;
      credit     : String(10) @assert.range enum { approved; blocked; review } default 'review';
      creditLimit: Decimal(12, 2);
      since      : Date;
      address    : Address;
      version    : Integer @odata.etag default 1;
}

type Address { street : String(80); city : String(60); }

entity Products {
  key ID        : String(20);
      name      : String(80);
      price     : Decimal(9, 2);
      stock     : Integer;
      weight    : Double;
      active    : Boolean default true;
      moved     : Integer64;
      changedAt : Timestamp;
      opensAt   : Time;
}

entity Orders {
  key ID        : UUID;
      reference : String(80);
      customer  : Association to Customers;
      status    : String(10) default 'open';
      orderedAt : DateTime;
      dueOn     : Date;
      note      : String(500);
      version   : Integer @odata.etag default 1;
      items     : Composition of many Items on items.parent = $self;
}

entity Items {
  key ID        : UUID;
      parent    : Association to Orders;
      product   : Association to Products;
      quantity  : Integer;
      price     : Decimal(9, 2);
}
