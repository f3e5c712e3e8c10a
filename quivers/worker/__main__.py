"""`python -m quivers.worker`."""

from quivers.worker.process import main

if __name__ == "__main__":
    main()
