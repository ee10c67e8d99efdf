using CellOS.Export.S3.Core;
using Microsoft.Extensions.Logging;
using Microsoft.FSharp.Collections;

namespace CellOS.Export.S3.Urls;

/// <summary>What a target's source of URLs gave for an artifact that does not exist. Nothing was sent to the store.</summary>
internal sealed record UrlProbe
{
    /// <summary>The name of the artifact that is asked for.</summary>
    internal const string ArtifactName = "cellos-export-s3-probe";

    public required string Target { get; init; }

    /// <summary>The logical address of the artifact.</summary>
    public required string Destination { get; init; }

    /// <summary>The URL without its query; null without a URL.</summary>
    public string? Url { get; init; }

    /// <summary>The scheme of its signature.</summary>
    public string? Signature { get; init; }

    /// <summary>The headers that the signature covers, in lower case.</summary>
    public IReadOnlyList<string> SignedHeaders { get; init; } = [];

    /// <summary>The names of the headers that an upload would carry.</summary>
    public IReadOnlyList<string> Headers { get; init; } = [];

    /// <summary>The end of the URL's validity, if it is known.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Why an upload could not be made, and what to do; null if it could.</summary>
    public string? Problem { get; init; }

    /// <summary>Asks each source of URLs of a configuration once. Targets whose URLs are known are left out.</summary>
    internal static async Task<IReadOnlyList<UrlProbe>> RunAsync(
        S3ExportConfiguration configuration,
        CellId cell,
        ILoggerFactory? loggers
    )
    {
        using var sources = new UrlSources(configuration, TimeProvider.System, loggers);
        var probes = new List<UrlProbe>();
        foreach (var settings in Settings.Usable(configuration.Core))
            if (settings.Url.IsOnDemand && sources.Of(settings) is { } source)
                probes.Add(await AskAsync(source, Settings.ForCell(cell, settings)).ConfigureAwait(false));
        return probes;
    }

    /// <summary>Plays an empty artifact's push to the moment where something would be sent.</summary>
    private static async Task<UrlProbe> AskAsync(IUrlSource source, Target target)
    {
        var artifact = CoreMapping.Accept(ArtifactNameModule.Create(ArtifactName), nameof(target));
        var name = TargetNameModule.Value(target.Name!.Value);
        var planned = PushPlanModule.Create(target, artifact);
        if (planned.IsError)
            return new UrlProbe
            {
                Target = name,
                Destination = "",
                Problem = planned.ErrorValue.Message,
            };

        var plan = planned.ResultValue;
        var probe = new UrlProbe { Target = name, Destination = DestinationModule.Value(plan.Destination) };
        var state = Push.Create(plan);
        var input = Input.NewStarted(DateTimeOffset.UtcNow, 0);
        DateTimeOffset? validUntil = null;
        while (true)
        {
            (state, var output) = Push.Step(state, input);
            switch (output)
            {
                case Output.TakeDigests take:
                    input = Input.NewDigestsTaken(
                        DateTimeOffset.UtcNow,
                        ListModule.OfSeq(take.Algorithms.Select(DigestModule.OfEmptyContent))
                    );
                    break;
                case Output.AskUrl ask:
                    var answer = await source
                        .AskAsync(plan, Push.UrlRequest(state, ask.Attempt), CancellationToken.None)
                        .ConfigureAwait(false);
                    validUntil = answer.ExpiresAt;
                    if (answer.Url is { } given)
                        probe = Described(probe, given);
                    if (answer is { Url: null, IsTransient: true })
                        return probe with { Problem = $"{answer.Reason.TrimEnd('.')}. Try again later." };
                    input = answer.ToInput(DateTimeOffset.UtcNow, () => 0);
                    break;
                case Output.Put put:
                    return probe with
                    {
                        Headers = [.. put.Request.Headers.Select(RequestHeaderModule.Name)],
                        ExpiresAt = probe.ExpiresAt ?? validUntil,
                    };
                case Output.Failed failed:
                    return probe with { Problem = failed.Failure.Reason };
                default:
                    throw new InvalidOperationException("The push machine asked for something unknown.");
            }
        }
    }

    private static UrlProbe Described(UrlProbe probe, RequestUrl url)
    {
        var inspected = PresignedUrlModule.Inspect(url);
        return probe with
        {
            Url = RequestUrlModule.AddressOf(probe.Destination, url),
            Signature = inspected.Signature.ToString(),
            SignedHeaders = [.. inspected.SignedHeaders],
            ExpiresAt = inspected.ExpiresAt?.Value,
        };
    }
}
