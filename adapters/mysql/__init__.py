"""MySQL: what people read and search, projected from the topics; what they author, on its way to the topics."""
