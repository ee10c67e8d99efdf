using CellOS.Export.S3.Core;
using Microsoft.FSharp.Collections;

namespace CellOS.Export.S3.Urls;

/// <summary>Where a push gets its URL from, when its target has none that fits every artifact.</summary>
internal interface IUrlSource
{
    /// <summary>The URL for an attempt.</summary>
    /// <param name="plan">What is to be sent where.</param>
    /// <param name="request">The artifact, for a source that presigns.</param>
    /// <param name="cancellationToken">Ends the wait for it.</param>
    ValueTask<UrlAnswer> AskAsync(PushPlan plan, UrlRequest request, CancellationToken cancellationToken);

    /// <summary>The URL of an artifact, where it is known without asking; null where it is not.</summary>
    RequestUrl? Known(ArtifactName artifact);
}

/// <summary>A URL, or why there is none.</summary>
/// <param name="Url">The URL; null if there is none.</param>
/// <param name="Reason">Why there is none and what to do, without secrets.</param>
internal readonly record struct UrlAnswer(RequestUrl? Url, string Reason)
{
    /// <summary>True if there may be a URL later.</summary>
    public bool IsTransient { get; init; }

    /// <summary>The time before the source should be asked again, if it states one.</summary>
    public TimeSpan RetryAfter { get; init; }

    /// <summary>The headers that came with the URL; null for none.</summary>
    public FSharpList<KeyValuePair<string, string>>? Headers { get; init; }

    /// <summary>The end of the URL's validity, where its source states it.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The answer as the push machine takes it.</summary>
    internal Input ToInput(DateTimeOffset now, Func<double> roll) =>
        this switch
        {
            { Url: { } url, Headers: null or { IsEmpty: true }, ExpiresAt: null } => Input.NewUrlGiven(
                now,
                url
            ),
            { Url: { } url } => Input.NewUrlGranted(
                now,
                new UrlGrant(
                    url,
                    Headers ?? FSharpList<KeyValuePair<string, string>>.Empty,
                    CoreMapping.ToOption(ExpiresAt)
                )
            ),
            { IsTransient: true } => Input.NewUrlDelayed(now, roll(), Reason.TrimEnd('.'), RetryAfter),
            _ => Input.NewNoUrl(now, Reason.TrimEnd('.')),
        };
}
