-- One row: how often a node has become the active one. Written only by the holder of the lease (store/src/lease.rs), which
-- ends every session of another epoch before it reads the past.
CREATE TABLE node_epoch (
    sole   bool PRIMARY KEY DEFAULT true CHECK (sole),
    epoch  int4 NOT NULL,
    since  timestamptz NOT NULL          -- by the database's clock
);
INSERT INTO node_epoch (epoch, since) VALUES (0, now());
