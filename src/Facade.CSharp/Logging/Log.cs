using CellOS.Export.S3.Core;
using Microsoft.Extensions.Logging;

namespace CellOS.Export.S3;

/// <summary>
/// What is logged of a push. The core has made all of it fit to be read. Ids and names are for queries and alerts: they
/// stay what they are, and none is used for something else.
/// <list type="table">
/// <item><term>1 <c>AttemptReplied</c></term><description>debug: the server accepted a request</description></item>
/// <item><term>2 <c>AttemptFailed</c></term><description>warning: the server refused a request, or sent no response</description></item>
/// <item><term>3 <c>ArtifactExported</c></term><description>information: a receipt</description></item>
/// <item><term>4 <c>ExportFailed</c></term><description>error: no receipt</description></item>
/// <item><term>5 <c>ProgressFailed</c></term><description>warning: the caller's progress threw</description></item>
/// <item><term>6 <c>ConfigurationWarning</c></term><description>warning: a finding that is one</description></item>
/// <item><term>7 <c>ConfigurationAdvice</c></term><description>information: another finding</description></item>
/// <item><term>8 <c>TelemetryFailed</c></term><description>warning: a listener of spans or metrics threw</description></item>
/// <item><term>10 <c>UrlDelayed</c></term><description>warning: the source of URLs has none for now, and is asked again</description></item>
/// <item><term>11 <c>UrlCommandWrote</c></term><description>warning: a line of the standard error of a URL command</description></item>
/// <item><term>12 <c>UrlCommandMisled</c></term><description>error: artifacts may have got URLs of others from a URL command</description></item>
/// <item><term>13 <c>UrlKeyMismatch</c></term><description>warning: a source of URLs gave a URL that is plainly for another object</description></item>
/// <item><term>14 <c>ArtifactSpooled</c></term><description>warning: no receipt yet, and the artifact is kept in a spool</description></item>
/// <item><term>15 <c>ArtifactNotSpooled</c></term><description>error: the spool does not keep an artifact</description></item>
/// <item><term>16 <c>SpoolFaulted</c></term><description>warning: something about the spool does not work, and the export does not need it</description></item>
/// </list>
/// </summary>
internal static partial class Log
{
    [LoggerMessage(
        1,
        LogLevel.Debug,
        "Attempt {Attempt} of {Artifact} to {Destination}: HTTP {Status}.",
        EventName = "AttemptReplied"
    )]
    private static partial void Replied(
        ILogger logger,
        int attempt,
        ArtifactName artifact,
        Destination destination,
        int status
    );

    [LoggerMessage(
        2,
        LogLevel.Warning,
        "Attempt {Attempt} of {Artifact} to {Destination} failed: {Fault}.",
        EventName = "AttemptFailed"
    )]
    private static partial void Faulted(
        ILogger logger,
        int attempt,
        ArtifactName artifact,
        Destination destination,
        string fault
    );

    [LoggerMessage(
        3,
        LogLevel.Information,
        "Exported {Artifact} to {Destination}: {Bytes} bytes, SHA-256 {Sha256}, integrity {Integrity}, attempts: {Attempts}.",
        EventName = "ArtifactExported"
    )]
    private static partial void Exported(
        ILogger logger,
        string artifact,
        string destination,
        long bytes,
        string sha256,
        string integrity,
        int attempts
    );

    [LoggerMessage(4, LogLevel.Error, "{Failure}", EventName = "ExportFailed")]
    internal static partial void Failed(ILogger logger, string failure);

    [LoggerMessage(6, LogLevel.Warning, "{Finding}", EventName = "ConfigurationWarning")]
    private static partial void Warned(ILogger logger, string finding);

    [LoggerMessage(7, LogLevel.Information, "{Finding}", EventName = "ConfigurationAdvice")]
    private static partial void Advised(ILogger logger, string finding);

    /// <summary>What was noticed in a configuration, told before any sink is used.</summary>
    internal static void Findings(ILoggerFactory? loggers, IEnumerable<S3ExportFinding> findings)
    {
        if (loggers is null)
            return;

        var logger = new GuardedLogger(loggers.CreateLogger<S3ExportSinks>());
        foreach (var finding in findings)
            if (finding.IsWarning)
                Warned(logger, finding.ToString());
            else
                Advised(logger, finding.ToString());
    }

    [LoggerMessage(
        5,
        LogLevel.Warning,
        "The progress of {Artifact} is not told any more: the caller's IProgress threw {Exception}.",
        EventName = "ProgressFailed"
    )]
    internal static partial void ProgressFailed(ILogger logger, string artifact, string exception);

    [LoggerMessage(
        8,
        LogLevel.Warning,
        "Listeners were not told all of the export of {Artifact}: one of them threw {Exception}.",
        EventName = "TelemetryFailed"
    )]
    internal static partial void TelemetryFailed(ILogger logger, string artifact, string exception);

    [LoggerMessage(9, LogLevel.Warning, "{Warning}", EventName = "ReceiptWarning")]
    internal static partial void ReceiptWarned(ILogger logger, string warning);

    [LoggerMessage(
        10,
        LogLevel.Warning,
        "No URL yet for {Artifact} to {Destination}: {Reason}.",
        EventName = "UrlDelayed"
    )]
    private static partial void UrlDelayed(
        ILogger logger,
        ArtifactName artifact,
        Destination destination,
        string reason
    );

    internal static void UrlDelayed(ILogger logger, PushPlan plan, string reason) =>
        UrlDelayed(logger, plan.Artifact, plan.Destination, Shown.Line(reason));

    [LoggerMessage(
        11,
        LogLevel.Warning,
        "The URL command {Command} wrote to standard error: {Line}",
        EventName = "UrlCommandWrote"
    )]
    internal static partial void CommandWrote(ILogger logger, string command, string line);

    [LoggerMessage(
        13,
        LogLevel.Warning,
        "key-mismatch: {Artifact}: {What}. CELLOS_STRICT_CONFIG=1 rejects such URLs",
        EventName = "UrlKeyMismatch"
    )]
    internal static partial void KeyMismatch(ILogger logger, string artifact, string what);

    [LoggerMessage(12, LogLevel.Error, "The URL command {Command} {What}", EventName = "UrlCommandMisled")]
    internal static partial void CommandMisled(ILogger logger, string command, string what);

    [LoggerMessage(
        14,
        LogLevel.Warning,
        "Spooled {Artifact} in {Spool}: drain the spool to export it.",
        EventName = "ArtifactSpooled"
    )]
    internal static partial void Spooled(ILogger logger, string artifact, string spool);

    [LoggerMessage(
        15,
        LogLevel.Error,
        "{Artifact} is not spooled. {Reason}",
        EventName = "ArtifactNotSpooled"
    )]
    internal static partial void NotSpooled(ILogger logger, string artifact, string reason);

    [LoggerMessage(16, LogLevel.Warning, "{Fault}", EventName = "SpoolFaulted")]
    internal static partial void SpoolFaulted(ILogger logger, string fault);

    internal static void Attempted(ILogger logger, PushPlan plan, int attempt, State state, Outcome outcome)
    {
        var fault = outcome switch
        {
            Outcome.NotSent notSent => notSent.Fault.Detail,
            Outcome.Unknown unknown => unknown.Fault.Detail,
            _ when ErrorType.OfOutcome(outcome) is not null => AttemptReportModule.InWords(state, outcome),
            _ => null,
        };
        if (fault is not null)
            Faulted(logger, attempt, plan.Artifact, plan.Destination, fault);
        else if (outcome is Outcome.Replied replied)
            Replied(logger, attempt, plan.Artifact, plan.Destination, replied.Reply.Status);
    }

    internal static void Exported(ILogger logger, Receipt receipt) =>
        Exported(
            logger,
            receipt.ArtifactName,
            receipt.Destination,
            receipt.BytesWritten,
            receipt.Sha256,
            receipt.Integrity,
            receipt.Attempts
        );
}
