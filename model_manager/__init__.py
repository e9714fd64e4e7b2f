"""Models on the hub, on disk and in GPU memory.  A library that knows neither Qt nor the program: it is told its folders."""
