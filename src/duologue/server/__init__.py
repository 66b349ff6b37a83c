"""Live conversations over the network: the native wire, the Realtime projection, the page."""
