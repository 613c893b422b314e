"""The bridge: reads samples, keeps exact rollups and events, and answers questions."""
