using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Urls;

/// <summary>Where a push gets its URL from, when its target has none that fits every artifact.</summary>
internal interface IUrlSource
{
    /// <summary>The URL for an attempt.</summary>
    /// <param name="plan">What is to be sent where.</param>
    /// <param name="attempt">The attempt that it is for, 1 for the first.</param>
    /// <param name="cancellationToken">Ends the wait for it.</param>
    ValueTask<UrlAnswer> AskAsync(PushPlan plan, int attempt, CancellationToken cancellationToken);

    /// <summary>The URL of an artifact, where it is known without asking; null where it is not.</summary>
    RequestUrl? Known(ArtifactName artifact);
}

/// <summary>A URL, or why there is none.</summary>
/// <param name="Url">The URL; null if there is none.</param>
/// <param name="Reason">Why there is none and what to do, without secrets.</param>
internal readonly record struct UrlAnswer(RequestUrl? Url, string Reason);
