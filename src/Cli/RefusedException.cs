namespace CellOS.Export.S3.Cli;

/// <summary>
/// The command cannot be carried out as it was given or configured, and nothing was sent. A sentence for each reason;
/// they hold no secrets.
/// </summary>
internal sealed class RefusedException(IReadOnlyList<string> sentences)
    : Exception(string.Join(' ', sentences))
{
    internal RefusedException(string sentence)
        : this([sentence]) { }

    internal IReadOnlyList<string> Sentences { get; } = sentences;
}
