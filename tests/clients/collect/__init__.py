"""What the tests of the collectors share: a company in moto, a fault proxy before it, metric streams, the expected rows."""
