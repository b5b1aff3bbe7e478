"""What the end-to-end tests stand on: processes, wire clients, the access log, deadlines."""
