using CellOS.Export.S3.Core;
using CellOS.Export.S3.Source;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3.Urls;

/// <summary>
/// A manifest of presigned URLs, which is read again when the file has changed: an operator may put fresh URLs there
/// while a bundle is under way.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="clock">The clock that stamps files; the system's if null.</param>
internal sealed class ManifestFile(string path, TimeProvider? clock = null) : IUrlSource
{
    /// <summary>A URL with a session token has about 2 KB: room for tens of thousands.</summary>
    private const int MaxBytes = 256 << 20;

    private readonly Lock _gate = new();
    private readonly SentObjects _sent = new();
    private readonly TimeProvider _clock = clock ?? TimeProvider.System;
    private FileStamp? _stamp;
    private UrlManifest? _lastGood;
    private string _problem = "";

    /// <summary>Reads the file, if it has changed since it was read last.</summary>
    /// <returns>The manifest, or all that is wrong with the file.</returns>
    internal FSharpResult<UrlManifest, FSharpList<string>> Read()
    {
        lock (_gate)
        {
            Refresh();
            return _lastGood is not null && _problem.Length == 0
                ? FSharpResult<UrlManifest, FSharpList<string>>.NewOk(_lastGood)
                : FSharpResult<UrlManifest, FSharpList<string>>.NewError(ListModule.OfSeq([_problem]));
        }
    }

    /// <summary>What is wrong with the file, in sentences; null if nothing is.</summary>
    internal string? Problem() =>
        Read() is { IsError: true } wrong
            ? $"The URL manifest {FilePath.Show(path)}: {string.Join(" ", wrong.ErrorValue)}"
            : null;

    /// <inheritdoc />
    /// <remarks>A file that has become unreadable, half written for instance, does not take away what was read before.</remarks>
    public ValueTask<UrlAnswer> AskAsync(
        PushPlan plan,
        UrlRequest request,
        CancellationToken cancellationToken
    )
    {
        lock (_gate)
        {
            Refresh();
            var url = _lastGood is null ? null : UrlManifestModule.TryFind(plan.Artifact, _lastGood)?.Value;
            return ValueTask.FromResult(
                url is not null
                    ? _sent.Admit(url, plan)
                    : new UrlAnswer(
                        null,
                        $"the URL manifest {FilePath.Show(path)} has no usable URL. {(_problem.Length > 0 ? _problem : UrlManifestModule.Missing(plan.Artifact))}"
                    )
            );
        }
    }

    /// <inheritdoc />
    public RequestUrl? Known(ArtifactName artifact)
    {
        lock (_gate)
        {
            Refresh();
            return _lastGood is null ? null : UrlManifestModule.TryFind(artifact, _lastGood)?.Value;
        }
    }

    private void Refresh()
    {
        var json = SmallFile.TryReadChanged(path, MaxBytes, _clock.GetUtcNow(), ref _stamp, out var problem);
        if (json is null && problem.Length == 0)
            return;

        _problem = problem;
        if (json is null)
            return;

        var parsed = UrlManifestModule.ParseUtf8(json);
        if (parsed.IsOk)
            _lastGood = parsed.ResultValue;
        else
            _problem = string.Join(" ", parsed.ErrorValue);
    }
}
