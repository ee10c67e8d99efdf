/// Hosts that listen to the exports with the OpenTelemetry SDK, and keep what they hear.
module Facade.Tests.Listeners

open System
open System.Collections.Concurrent
open System.Collections.Generic
open System.Diagnostics
open CellOS.Export.S3
open OpenTelemetry
open OpenTelemetry.Metrics
open OpenTelemetry.Trace
open Facade.Tests.Support

/// Options of a sink whose pushes are known by the name of its target.
let optionsOf (target: string) (url: string) =
    PresignedS3ExportSinkOptions(
        PresignedUrl = url,
        CellId = cellId,
        Bucket = bucket,
        TargetName = target,
        RetryBackoff = TimeSpan.Zero,
        RequestTimeout = TimeSpan.FromSeconds 10.
    )

let private shown (value: objnull) =
    Convert.ToString(value, Globalization.CultureInfo.InvariantCulture)
    |> Option.ofObj
    |> Option.defaultValue ""

let private tagsOf (tags: KeyValuePair<string, objnull> seq) =
    Map [ for tag in tags -> tag.Key, shown tag.Value ]

/// An event or a span's attributes: names and what their values look like.
type Tags = Map<string, string>

type Span = {
    Name: string
    Kind: ActivityKind
    Id: ActivitySpanId
    Parent: ActivitySpanId
    TraceId: ActivityTraceId
    Began: DateTime
    Duration: TimeSpan
    Status: ActivityStatusCode
    Description: string
    Tags: Tags
    Events: (string * Tags) list
} with

    member this.Tag name =
        this.Tags |> Map.tryFind name |> Option.defaultValue ""

let private toSpan (activity: Activity) = {
    Name = activity.DisplayName
    Kind = activity.Kind
    Id = activity.SpanId
    Parent = activity.ParentSpanId
    TraceId = activity.TraceId
    Began = activity.StartTimeUtc
    Duration = activity.Duration
    Status = activity.Status
    Description = activity.StatusDescription |> Option.ofObj |> Option.defaultValue ""
    Tags = tagsOf activity.TagObjects
    Events = [ for event in activity.Events -> event.Name, tagsOf event.Tags ]
}

type private Keeping(heard: ConcurrentQueue<Span>) =
    inherit BaseProcessor<Activity>()
    override _.OnEnd activity = heard.Enqueue(toSpan activity)

/// Listens to spans, of the given sources besides. All pushes of this process are heard: other tests run at the same
/// time, so that each looks for what has a name of its own.
type Spans([<ParamArray>] others: string[]) =
    let heard = ConcurrentQueue<Span>()

    let provider =
        Sdk
            .CreateTracerProviderBuilder()
            .SetSampler(AlwaysOnSampler())
            .AddSource(Array.append [| S3ExportTelemetry.ActivitySourceName |] others)
            .AddProcessor(new Keeping(heard))
            .Build()

    member _.All = List.ofSeq heard

    /// Those of the pushes of one target.
    member this.Of(target: string) =
        this.All
        |> List.filter (fun span -> span.Tag "cellos.export.target.name" = target)

    interface IDisposable with
        member _.Dispose() = provider.Dispose()

/// One time series of an instrument, and what has been added up in it: a histogram's count and sum.
type Series = {
    Instrument: string
    Unit: string
    Tags: Tags
    Count: int64
    Sum: float
    Bounds: float list
}

let private toSeries (metric: Metric) = [
    for point in metric.GetMetricPoints() do
        let tags =
            Map [
                for tag in point.Tags do
                    tag.Key, shown tag.Value
            ]

        let isHistogram = metric.MetricType = MetricType.Histogram

        {
            Instrument = metric.Name
            Unit = metric.Unit
            Tags = tags
            Count = if isHistogram then point.GetHistogramCount() else 1L
            Sum = if isHistogram then point.GetHistogramSum() else float (point.GetSumLong())
            Bounds =
                if isHistogram then
                    [
                        for bucket in point.GetHistogramBuckets() do
                            if Double.IsFinite bucket.ExplicitBound then
                                bucket.ExplicitBound
                    ]
                else
                    []
        }
]

type private Gathering(heard: ResizeArray<Series>) =
    inherit BaseExporter<Metric>()

    override _.Export(batch: inref<Batch<Metric>>) =
        heard.Clear()
        let mutable each = batch.GetEnumerator()

        while each.MoveNext() do
            heard.AddRange(toSeries each.Current)

        ExportResult.Success

/// Listens to metrics.
type Metrics() =
    let heard = ResizeArray<Series>()

    let provider =
        Sdk
            .CreateMeterProviderBuilder()
            .AddMeter(S3ExportTelemetry.MeterName)
            .AddReader(new BaseExportingMetricReader(new Gathering(heard)))
            .Build()

    /// All series so far.
    member _.All =
        lock heard (fun () ->
            provider.ForceFlush() |> ignore
            List.ofSeq heard)

    /// Those of the pushes of one target.
    member this.Of(target: string) =
        this.All
        |> List.filter (fun series -> Map.tryFind "cellos.export.target.name" series.Tags = Some target)

    interface IDisposable with
        member _.Dispose() = provider.Dispose()

/// A name that no other test's target has.
let newTarget () = $"t-{Guid.NewGuid():N}"

/// All texts of a span.
let textOf (span: Span) = $"%A{span}"
