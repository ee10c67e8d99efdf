namespace Quickstart;

/// <summary>What the caller has to mend, in one sentence.</summary>
internal sealed class UsageException(string message) : Exception(message);
