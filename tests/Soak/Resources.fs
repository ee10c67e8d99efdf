/// Open handles, threads and memory of this process, and whether they return to where they were.
module Soak.Resources

open System
open System.Buffers
open System.Collections.Generic
open System.IO
open System.Threading
open System.Threading.Tasks

type Sample = {
    /// How many results there were by then.
    Done: int
    Handles: int
    Threads: int
    /// What is alive after a full collection.
    HeapBytes: int64
    ResidentBytes: int64
}

let private entries (folder: string) =
    Seq.length (Directory.EnumerateFileSystemEntries folder)

let take count = {
    Done = count
    Handles = entries "/proc/self/fd"
    Threads = entries "/proc/self/task"
    HeapBytes = GC.GetTotalMemory false
    ResidentBytes = Environment.WorkingSet
}

let private collect () =
    for _ in 1..2 do
        GC.Collect(2, GCCollectionMode.Forced, blocking = true, compacting = true)
        GC.WaitForPendingFinalizers()

/// The runtime's pool keeps the pieces of files for later. With as many as it takes it cannot grow in the run, and what
/// grows is something else.
let fillPool () =
    let pieces =
        Array.init (32 * Environment.ProcessorCount) (fun _ -> ArrayPool<byte>.Shared.Rent(256 * 1024))

    for piece in pieces do
        ArrayPool<byte>.Shared.Return piece

/// The text of an exception's stack takes libraries and symbols, each with handles of its own. The warm-up may need it or
/// not.
let loadStackTraces () =
    try
        invalidOp "shown to nobody"
    with error ->
        error.ToString() |> ignore

/// Once nothing moves any more, or patience ends: sockets close and finalizers run behind one's back.
let settled () =
    task {
        let mutable last = take 0
        let mutable still = 0
        let mutable left = 40

        while still < 8 && left > 0 do
            do! Task.Delay 250
            collect ()
            let now = take 0
            still <- if now.Handles >= last.Handles then still + 1 else 0
            left <- left - 1
            last <- now

        return last
    }

/// Takes samples of a run until it is stopped.
type Watch(count: unit -> int) =
    let samples = List<Sample>(4096)
    let stop = new CancellationTokenSource()

    let watching =
        task {
            while not stop.IsCancellationRequested do
                GC.Collect(2, GCCollectionMode.Forced, blocking = true, compacting = false)
                samples.Add(take (count ()))
                do! Task.Delay(250, stop.Token).ContinueWith(fun (_: Task) -> ())
        }

    member _.StopAsync() =
        task {
            stop.Cancel()
            do! watching
            stop.Dispose()
            return List.ofSeq samples
        }

let private median (values: int64 list) =
    let sorted = List.sort values
    sorted[sorted.Length / 2]

/// By how much the heap grew for each artifact, from the first tenth of the run to the last: medians.
let growthPerArtifact (count: int) (samples: Sample list) =
    let within low high =
        samples
        |> List.filter (fun sample -> sample.Done >= count * low / 10 && sample.Done <= count * high / 10)

    match within 0 1, within 9 10 with
    | [], _
    | _, [] -> None
    | first, last ->
        let bytes = List.map _.HeapBytes >> median
        let artifacts = List.map (_.Done >> int64) >> median
        let grown = bytes last - bytes first
        Some(float grown / float (max 1L (artifacts last - artifacts first)))

/// What may be left over after a run: what a pool or a cache of the runtime keeps, and nothing for each artifact.
/// Of 20,000 artifacts, one handle in 2,500 would show, and 420 bytes of each.
module Tolerance =
    let handles = 8
    let threads = 32
    /// Half of it for the pieces of files that the pool keeps for threads, one for each.
    let heapBytes = 8L <<< 20
    let residentBytes = 192L <<< 20

    /// A push needs a file and a connection, and as many of either may be on their way out.
    let peakHandles = 4 * Exporter.concurrency

    /// A source of URLs remembers of which artifact each object is, as long as its sink lives.
    let growthPerArtifact = 512.

let private mebibytes (bytes: int64) = $"%.1f{float bytes / 1048576.} MiB"

/// What has not returned to where it was.
let judge (count: int) (baseline: Sample) (samples: Sample list) (final: Sample) = [
    let returned what (before: int64) (after: int64) (tolerance: int64) (show: int64 -> string) =
        if after > before + tolerance then
            [
                $"%s{what}: %s{show before} before, %s{show after} after; at most %s{show tolerance} more are allowed"
            ]
        else
            []

    yield! returned "open handles" baseline.Handles final.Handles Tolerance.handles string
    yield! returned "threads" baseline.Threads final.Threads Tolerance.threads string
    yield! returned "managed heap" baseline.HeapBytes final.HeapBytes Tolerance.heapBytes mebibytes

    yield!
        returned
            "resident memory"
            baseline.ResidentBytes
            final.ResidentBytes
            Tolerance.residentBytes
            mebibytes

    let peak = samples |> List.map _.Handles |> List.max
    yield! returned "open handles at the peak" baseline.Handles peak Tolerance.peakHandles string

    let peakThreads = samples |> List.map _.Threads |> List.max
    yield! returned "threads at the peak" baseline.Threads peakThreads Tolerance.threads string

    match growthPerArtifact count samples with
    | Some growth when growth > Tolerance.growthPerArtifact ->
        $"the heap grew by %.0f{growth} bytes an artifact; at most %.0f{Tolerance.growthPerArtifact} are allowed"
    | _ -> ()
]

/// What the open handles are: so many sockets, pipes, and files by name.
let handlesByKind () =
    Directory.EnumerateFileSystemEntries "/proc/self/fd"
    |> Seq.map (fun entry ->
        match FileInfo(entry).LinkTarget with
        | null -> "closed meanwhile"
        | target when target.Contains ':' -> target.Substring(0, target.IndexOf ':')
        | target -> target)
    |> Seq.countBy id
    |> Map.ofSeq

/// What there is more of than before, for whoever has to find a leak.
let newHandles (before: Map<string, int>) (after: Map<string, int>) =
    [
        for KeyValue(kind, count) in after do
            let more = count - Option.defaultValue 0 (before.TryFind kind)

            if more > 0 then
                $"%d{more} %s{kind}"
    ]
    |> String.concat ", "
