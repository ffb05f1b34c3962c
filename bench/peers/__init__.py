"""Who the benches compare us with: each as its own documentation would have it, in a process of its own."""
