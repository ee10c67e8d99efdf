using BenchmarkDotNet.Attributes;
using CellOS.Export.S3.Core;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3.Bench;

/// <summary>From names to URLs, and what a URL says of itself.</summary>
[MemoryDiagnoser]
public class UrlBenchmarks
{
    private Target _target = null!;
    private string _text = null!;
    private RequestUrl _url = null!;

    /// <summary>Whether the URL carries a session token, of about 1 KB, as temporary credentials make it.</summary>
    [Params(false, true)]
    public bool SessionToken { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _target = Samples.Target(Samples.Template(SessionToken));
        _text = Samples.Url(SessionToken);
        _url = Samples.Parsed(_text);
    }

    /// <summary>All that a sink has the core do for a new artifact: name, key, address and URL.</summary>
    [Benchmark]
    public PushPlan PlanAndRender() => Samples.Plan(_target);

    /// <summary>A URL that was asked for: read, and inspected.</summary>
    [Benchmark]
    public PresignedUrl ReadAndInspect() => PresignedUrlModule.Inspect(Samples.Parsed(_text));

    /// <summary>A URL that is at hand.</summary>
    [Benchmark]
    public PresignedUrl Inspect() => PresignedUrlModule.Inspect(_url);

    /// <summary>The URL of a new artifact as HttpClient takes it, and as a receipt tells it.</summary>
    [Benchmark]
    public (Uri, string) RenderToUri()
    {
        var plan = Samples.Plan(_target);
        var url = ((UrlSource.Given)plan.Url).Item;
        return (RequestUrlModule.RevealUri(url), RequestUrlModule.WithoutQuery(url));
    }
}
