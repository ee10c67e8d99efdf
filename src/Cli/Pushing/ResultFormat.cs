namespace CellOS.Export.S3.Cli.Pushing;

/// <summary>What standard output gets of an artifact that has ended.</summary>
internal enum ResultFormat
{
    /// <summary>Its receipt, or its failure.</summary>
    Json,

    /// <summary>An event that it was completed, or that it failed.</summary>
    CloudEvents,

    /// <summary>A statement of what was exported, or the failure, of which there is nothing to state.</summary>
    InToto,
}

/// <summary>The formats by their names on the command line.</summary>
internal static class ResultFormats
{
    /// <summary>All of them; the first is the default.</summary>
    internal static readonly IReadOnlyList<string> Names = ["json", "cloudevents", "in-toto"];

    /// <summary>The format of one of the names.</summary>
    internal static ResultFormat Named(string? name) =>
        name switch
        {
            "cloudevents" => ResultFormat.CloudEvents,
            "in-toto" => ResultFormat.InToto,
            _ => ResultFormat.Json,
        };

    /// <summary>One line.</summary>
    /// <param name="format">The format.</param>
    /// <param name="result">What came of the artifact.</param>
    /// <param name="now">When that was.</param>
    /// <param name="context">What is known of the run.</param>
    internal static string Line(
        this ResultFormat format,
        ExportResult result,
        DateTimeOffset now,
        ExportEventContext context
    ) =>
        format switch
        {
            ResultFormat.CloudEvents => result.ToCloudEvent(now, context),
            ResultFormat.InToto when result.IsExported => result.Receipt.ToInTotoStatement(context),
            _ => result.ToJson(),
        };
}
