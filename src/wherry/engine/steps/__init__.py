"""Steps of builds: processes in containers that no list shows and no record speaks of."""
