"""How a process of this project runs: settings, logs, time, beats, start and stop."""
