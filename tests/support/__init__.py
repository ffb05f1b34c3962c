"""What tests share: waiting, servers, addresses."""
