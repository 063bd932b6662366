"""The two phases of AI-KD on tensors: data, networks, losses, discriminator, loop, metrics; no storage, no cluster."""
