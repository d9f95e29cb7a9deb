"""The application: configuration in, a composed worker out. The one place that names concrete classes."""
