namespace Quickstart;

/// <summary>A mistake of the caller, with its remedy, in one sentence.</summary>
internal sealed class UsageException(string message) : Exception(message);
