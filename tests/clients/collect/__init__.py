"""What the tests of the collectors share: a company in moto, a fault proxy, metric streams, the expected rows."""
