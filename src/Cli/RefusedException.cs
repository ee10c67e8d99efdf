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

    /// <summary>The message of an argument that the library rejected, without .NET's name of the parameter.</summary>
    internal static RefusedException Of(ArgumentException exception) =>
        new(exception.Message.Replace($" (Parameter '{exception.ParamName}')", ""));

    internal IReadOnlyList<string> Sentences { get; } = sentences;
}
