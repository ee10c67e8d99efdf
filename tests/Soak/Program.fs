/// Many artifacts, 16 at a time, one attempt in ten struck by a fault: every one ends in a true receipt or a true
/// failure, and open handles and memory return to where they were.
module Soak.Program

open System
open System.Diagnostics
open System.IO
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks
open Soak.Exporter
open Soak.Resources
open Soak.Sources
open Soak.Store

let private defaultCount = 20_000
let private warmUp = 1_000
let private longest = TimeSpan.FromMinutes 10.

/// From so many artifacts on, chance leaves out no fault.
let private enoughForAll = 10_000

let private usage =
    "usage: Soak [COUNT [SEED]]\n  COUNT  how many artifacts, 1 to 900000 (20000)\n  SEED   what chance begins with, 0 to 2147483647 (any)"

/// Exports so many artifacts; gives what was exported, what came of each, and how it went meanwhile.
let private exportRound store sources seed round count book (cancellationToken: CancellationToken) beforeRun =
    task {
        // All that the test itself keeps is there before the run.
        let items = Plan.make sources seed round count
        let notes = emptyNotes count
        do! squat store items
        let! before = beforeRun ()
        let handles = handlesByKind ()
        let mutable finished = 0
        let watch = Watch(fun () -> Volatile.Read &finished)
        let timer = Stopwatch.StartNew()

        do!
            run
                store
                round
                items
                notes
                book
                (fun () -> Interlocked.Increment &finished |> ignore)
                cancellationToken

        let elapsed = timer.Elapsed
        let! samples = watch.StopAsync()
        let! after = settled ()
        return items, notes, (before, handles), samples, after, elapsed
    }

let private complain (problems: string list) =
    for problem in List.truncate 20 problems do
        eprintfn $"soak: %s{problem}"

    if problems.Length > 20 then
        eprintfn $"soak: and %d{problems.Length - 20} more"

let private untruths (cases: Faults.FaultCase list) report (book: Book) items notes =
    let judge = Truth.Judge(cases, report)

    [
        for item, note in Seq.zip items notes do
            match judge.Of(item, note) with
            | [] -> ()
            | wrong ->
                let wrong = String.concat "; " wrong
                let said = String.concat " " (book.Find item.Key)
                $"%s{item.Key}: %s{wrong}. The server saw: %s{judge.Story item}. %s{said}"
    ]

/// That the faults were there: without them the rest says little.
let private missing
    count
    (cases: Faults.FaultCase list)
    (report: Report)
    (attempts: int)
    (struck: string list)
    = [
    if count >= enoughForAll then
        let share = float struck.Length / float attempts

        if share < 0.08 || share > 0.12 then
            $"%.1f{share * 100.} %% of the attempts were struck by a fault, and 10 %% were to be"

        let ever = report.Puts.Values |> Seq.concat |> Seq.choose _.Fault |> Set.ofSeq

        for case in cases do
            if not (ever.Contains case.Name) then
                $"the fault '%s{case.Name}' never struck"
]

let private soak count seed (cancellationToken: CancellationToken) =
    task {
        use sources = new Sources(seed)
        // A signal ends the process without `use`.
        let clean (_: PosixSignalContext) = (sources :> IDisposable).Dispose()
        use _ = PosixSignalRegistration.Create(PosixSignal.SIGTERM, clean)
        use _ = PosixSignalRegistration.Create(PosixSignal.SIGINT, clean)
        use _ = PosixSignalRegistration.Create(PosixSignal.SIGHUP, clean)
        use store = new Store(seed)
        do! store.ReadyAsync()
        use book = new Book(Path.Combine(sources.Folder, "failures"))
        let cases = Faults.all store.Endpoint

        // Loads all code, and fills the pools of the runtime.
        let! warmItems, warmNotes, _, _, _, _ =
            exportRound store sources seed Faults.warmUp warmUp book cancellationToken (fun () ->
                Task.FromResult(take 0))

        let! items, notes, (baseline, handles), samples, final, elapsed =
            exportRound store sources seed "soak" count book cancellationToken (fun () ->
                fillPool ()
                loadStackTraces ()
                settled ())

        let! report = store.ReportAsync()
        Summary.results notes
        let attempts, struck = Summary.faults report items
        Summary.resources baseline samples final (growthPerArtifact count samples)

        let untrue =
            untruths cases report book items notes
            @ untruths cases report book warmItems warmNotes

        let leaks = judge count baseline samples final

        let strays = [
            if
                report.Puts.Keys
                |> Seq.exists _.StartsWith(Faults.elsewhere, StringComparison.Ordinal)
            then
                "a redirect was followed, or a URL of another object"
        ]

        complain (untrue @ missing count cases report attempts struck @ strays @ leaks)

        if not leaks.IsEmpty then
            eprintfn $"soak: new handles: %s{newHandles handles (handlesByKind ())}"

        let receipts = notes |> Seq.filter _.IsExported |> Seq.length

        let isWell =
            List.forall List.isEmpty [ untrue; missing count cases report attempts struck; strays; leaks ]

        let verdict = if isWell then "passed" else "FAILED"

        printfn
            $"\nsoak %s{verdict}: %d{count} artifacts in %.1f{elapsed.TotalSeconds} s, %d{receipts} receipts, \
            %d{count - receipts} failures, %d{untrue.Length} untrue; %d{struck.Length} faults in %d{attempts} attempts; \
            handles %d{baseline.Handles} → %d{final.Handles}, heap %.1f{float baseline.HeapBytes / 1048576.} → \
            %.1f{float final.HeapBytes / 1048576.} MiB; seed %d{seed}"

        return if isWell then 0 else 1
    }

let private inTime count seed =
    task {
        use limit = new CancellationTokenSource(longest)
        let running = soak count seed limit.Token
        // It is cancelled first; what does not end then is left behind, and the server's process with it, whose
        // input closes.
        let! _ = Task.WhenAny(running, Task.Delay(longest + TimeSpan.FromSeconds 20.))

        if limit.IsCancellationRequested then
            eprintfn $"soak FAILED: it did not end within %O{longest}; seed %d{seed}"
            return 1
        else
            return! running
    }

let private number (text: string) low high =
    match Int32.TryParse text with
    | true, value when value >= low && value <= high -> Some value
    | _ -> None

[<EntryPoint>]
let main args =
    let start count seed =
        if not (OperatingSystem.IsLinux()) then
            eprintfn "soak: open handles are counted in /proc/self/fd, which only Linux has"
            2
        else
            printfn $"soak: %d{count} artifacts, seed %d{seed}"
            (inTime count seed).GetAwaiter().GetResult()

    let random () = Random.Shared.Next()

    match args with
    | [||] -> start defaultCount (random ())
    | [| "serve"; seed |] ->
        (Server.run (int seed)).GetAwaiter().GetResult()
        0
    | [| count |] when (number count 1 900_000).IsSome -> start (int count) (random ())
    | [| count; seed |] when (number count 1 900_000).IsSome && (number seed 0 Int32.MaxValue).IsSome ->
        start (int count) (int seed)
    | _ ->
        eprintfn "%s" usage
        2
