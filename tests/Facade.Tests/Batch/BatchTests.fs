module Facade.Tests.BatchTests

open System
open System.Collections.Concurrent
open System.IO
open System.Net
open System.Net.Http
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.Support
open Facade.Tests.BatchSupport
open LoopbackS3

let private never = CancellationToken.None

let private goOn (_: ExportResult) = Task.FromResult true

let private atOnce count =
    ExportBatchOptions(MaxConcurrency = count)

/// Calls back with each result, so many at once.
let private completing count (onCompleted: ExportResult -> Task) =
    ExportBatchOptions(
        MaxConcurrency = count,
        OnCompleted = Func<_, _, _>(fun result _ -> ValueTask(onCompleted result))
    )

/// Counts what is under way, and keeps the most that it ever was.
type private Gauge() =
    let mutable begun = 0
    let mutable now = 0
    let mutable most = 0
    let gate = obj ()

    member _.Begun = lock gate (fun () -> begun)
    member _.Now = lock gate (fun () -> now)
    member _.Most = lock gate (fun () -> most)

    member _.Enter() =
        lock gate (fun () ->
            begun <- begun + 1
            now <- now + 1
            most <- max most now
            begun)

    member _.Leave() = lock gate (fun () -> now <- now - 1)

    member this.While(work: int -> Task<'a>) =
        task {
            let number = this.Enter()

            try
                return! work number
            finally
                this.Leave()
        }

let private refusal (call: unit -> 'a) =
    try
        call () |> ignore
        failtest "a refusal was expected"
    with :? ArgumentException as error ->
        error.Message

let private isCancelled (error: exn option) =
    match error with
    | Some(:? OperationCanceledException) -> ()
    | other -> failtest $"cancellation was expected, and it was {other}"

[<Tests>]
let tests =
    testList "a batch" [
        testCaseTask "gives each artifact one result, and each receipt is true of the server" (fun () ->
            task {
                use! server = LoopbackS3Server.StartAsync()
                use folder = new Folder()
                use sink = sinkThrough server (options 3)

                let artifacts =
                    files folder [ for i in 1..30 -> $"logs/ü {i % 4}/{i}.txt", i * 3000 ]

                let! results = readAll (sink.PushManyAsync artifacts)
                Expect.equal (namesOf results) (artifacts |> List.map _.Name |> List.sort) "all of them"

                for result in results do
                    Expect.isTrue result.IsExported "exported"
                    Expect.isTrue (isTrueAt server (receiptOf result)) result.Artifact.Name
                    Expect.equal (result.ToJson()) ((receiptOf result).ToJson()) "the receipt's JSON"
            })

        testCaseTask "of nothing is nothing" (fun () ->
            task {
                use sink = sinkOver (fun _ _ -> failtest "a request")
                let! results = readAll (sink.PushManyAsync [])
                Expect.isEmpty results "none"
            })

        for count in [ 1; 4; 16; 256 ] do
            testCaseTask $"reaches {count} at once, and never more" (fun () ->
                task {
                    use folder = new Folder()
                    let gauge = Gauge()
                    let full = pending ()

                    use sink =
                        sinkOver (fun _ _ ->
                            gauge.While(fun number ->
                                task {
                                    // The first ones wait for each other: so many are under way together.
                                    if number = count then
                                        full.SetResult()

                                    do! full.Task.WaitAsync(TimeSpan.FromSeconds 20.)
                                    do! Task.Yield()
                                    return done' ()
                                }))

                    let artifacts = artifactsOf (folder.Write("f", patterned 10)) (count * 2 + 7)
                    let! results = readAll (sink.PushManyAsync(artifacts, atOnce count))
                    Expect.hasLength results artifacts.Length "all"
                    Expect.equal gauge.Most count "at once"
                })

        testCaseTask "has four at once by default, and no more workers than artifacts" (fun () ->
            task {
                use folder = new Folder()
                let gauge = Gauge()
                let full = pending ()

                use sink =
                    sinkOver (fun _ _ ->
                        gauge.While(fun number ->
                            task {
                                if number = 4 then
                                    full.SetResult()

                                do! full.Task.WaitAsync(TimeSpan.FromSeconds 20.)
                                return done' ()
                            }))

                let path = folder.Write("f", patterned 10)
                let! _ = readAll (sink.PushManyAsync(artifactsOf path 20))
                Expect.equal gauge.Most 4 "four"
                let! results = readAll (sink.PushManyAsync(artifactsOf path 2, atOnce 256))
                Expect.hasLength results 2 "both"
            })

        testCaseTask "goes on after failures, each told with its artifact" (fun () ->
            task {
                use! server = LoopbackS3Server.StartAsync()
                use folder = new Folder()
                use sink = sinkThrough server (options 1)

                server.MisbehaveAlways(bucket, keyOf "00003", Fault.Status(403, "AccessDenied", "no"))
                server.MisbehaveAlways(bucket, keyOf "00007", Fault.ResetBeforeBody)

                let artifacts = [
                    ExportArtifact("missing", folder.At "missing")
                    yield! artifactsOf (folder.Write("f", patterned 5000)) 20
                ]

                let! results = readAll (sink.PushManyAsync(artifacts, atOnce 3))
                Expect.hasLength results 21 "all"

                let failed =
                    results
                    |> List.filter (fun result -> not result.IsExported)
                    |> List.map (fun result -> result.Artifact.Name, (failureIn result).Kind)
                    |> List.sort

                Expect.equal
                    failed
                    [
                        "00003", ExportFailureKind.Refused
                        "00007", ExportFailureKind.Unreachable
                        "missing", ExportFailureKind.SourceNotFound
                    ]
                    "those three"

                let denied = results |> List.find (fun result -> result.Artifact.Name = "00003")

                let key = keyOf "00003"

                Expect.stringStarts
                    (denied.ToJson())
                    $"{{\"cellId\":\"{cellId}\",\"artifactName\":\"00003\",\"destination\":\"s3://{bucket}/{key}\",\"error\":{{\"kind\":\"Refused\",\"message\":\"Export of"
                    "where and what"

                Expect.stringEnds (denied.ToJson()) ",\"attempts\":1}}" "to the end"
                Expect.equal (denied.ToJson()) ((failureIn denied).ToJson()) "the failure's JSON"
            })

        testCaseTask
            "over a URL that names one object is rejected before anything is sent, unless it has one artifact"
            (fun () ->
                task {
                    use! scene = scene "a" (patterned 100)
                    use sink = sinkFor scene.Url
                    let artifacts = [ for name in [ "a"; "b"; "c" ] -> ExportArtifact(name, scene.Path) ]

                    let problem =
                        try
                            sink.PushManyAsync artifacts |> ignore
                            "nothing"
                        with :? ArgumentException as problem ->
                            problem.Message

                    Expect.stringContains
                        problem
                        "names one object, and 3 artifacts are to go there"
                        "the reason"

                    Expect.isEmpty scene.Puts "no PUT"
                    let! results = readAll (sink.PushManyAsync(List.truncate 1 artifacts))
                    Expect.all results _.IsExported "one artifact"
                    Expect.hasLength scene.Puts 1 "one PUT"
                })

        for place in [ "argument"; "enumeration" ] do
            testCaseTask
                $"that is cancelled by the token of the {place} gives the results that there are"
                (fun () ->
                    task {
                        use folder = new Folder()
                        use source = new CancellationTokenSource()
                        let gauge = Gauge()
                        let hanging = ref 0

                        use sink =
                            sinkOver (fun _ cancellation ->
                                gauge.While(fun number ->
                                    task {
                                        if number > 5 then
                                            if Interlocked.Increment hanging = 3 then
                                                source.Cancel()

                                            do! Task.Delay(Timeout.Infinite, cancellation)

                                        return done' ()
                                    }))

                        let artifacts = artifactsOf (folder.Write("f", patterned 10)) 100
                        let argument = if place = "argument" then source.Token else never
                        let enumeration = if place = "argument" then never else source.Token

                        let! results, error =
                            sink.PushManyAsync(artifacts, atOnce 3, argument) |> readWhile enumeration goOn

                        isCancelled error
                        Expect.hasLength results 5 "those that had ended"
                        Expect.all results _.IsExported "with receipts"
                        Expect.equal gauge.Begun 8 "and no other was begun"
                        Expect.equal gauge.Now 0 "nothing runs on"
                    })

        testCaseTask "that is cancelled while nobody reads gives its receipts all the same" (fun () ->
            task {
                use folder = new Folder()
                use source = new CancellationTokenSource()
                let gauge = Gauge()
                use sink = sinkOver (fun _ _ -> gauge.While(fun _ -> Task.FromResult(done' ())))
                let completed = ConcurrentQueue<string>()

                let options =
                    completing 3 (fun result ->
                        completed.Enqueue result.Artifact.Name
                        Task.CompletedTask)

                let artifacts = artifactsOf (folder.Write("f", patterned 10)) 100

                let! results, error =
                    sink.PushManyAsync(artifacts, options, source.Token)
                    |> readWhile never (fun _ ->
                        task {
                            if not source.IsCancellationRequested then
                                // One is read, three wait, and each worker has one in its hand.
                                do! waitFor "all to be held back" (fun () -> completed.Count = 7)
                                source.Cancel()

                            return true
                        })

                isCancelled error
                Expect.equal (namesOf results) (completed |> Seq.sort |> List.ofSeq) "all that had ended"
                Expect.hasLength results 7 "seven"
                Expect.equal gauge.Begun 7 "and no other was begun"
            })

        testCaseTask "with a token that was cancelled before sends nothing" (fun () ->
            task {
                use folder = new Folder()
                use sink = sinkOver (fun _ _ -> failtest "a request")
                let artifacts = artifactsOf (folder.Write("f", patterned 10)) 10

                let! results, error =
                    sink.PushManyAsync(artifacts, null, CancellationToken true)
                    |> readWhile never goOn

                isCancelled error
                Expect.isEmpty results "none"
            })

        testCaseTask "that is cancelled after its last artifact has ended ends well" (fun () ->
            task {
                use folder = new Folder()
                use source = new CancellationTokenSource()
                use sink = sinkOver (fun _ _ -> Task.FromResult(done' ()))
                let completed = ref 0

                let options =
                    completing 4 (fun _ ->
                        Interlocked.Increment completed |> ignore
                        Task.CompletedTask)

                let! results, error =
                    sink.PushManyAsync(
                        artifactsOf (folder.Write("f", patterned 10)) 4,
                        options,
                        source.Token
                    )
                    |> readWhile never (fun _ ->
                        task {
                            do! waitFor "the last to end" (fun () -> completed.Value = 4)
                            source.Cancel()
                            return true
                        })

                Expect.isNone error "nothing was given up"
                Expect.hasLength results 4 "all"
            })

        testCaseTask "whose consumer leaves sends nothing after that" (fun () ->
            task {
                use! server = LoopbackS3Server.StartAsync()
                use folder = new Folder()
                let sent = ref 0

                use sink =
                    sinkTelling (fun () -> Interlocked.Increment sent |> ignore) server (options 3)

                let path = folder.Write("f", patterned 5000)
                let count = ref 0

                // Every third is never answered: it is under way when the consumer leaves.
                server.OnAttempt <-
                    fun _ ->
                        if Interlocked.Increment count % 3 = 0 then
                            Fault.Silence(afterBody = true)
                        else
                            Fault.None

                let artifacts = artifactsOf path 200
                let read = ref 0

                let! results, error =
                    sink.PushManyAsync(artifacts, atOnce 4)
                    |> readWhile never (fun _ ->
                        read.Value <- read.Value + 1
                        Task.FromResult(read.Value < 3))

                Expect.isNone error "leaving is no error"
                Expect.hasLength results 3 "three were read"
                // The server may see late what was sent before, and must see nothing else.
                let before = sent.Value
                server.OnAttempt <- fun _ -> Fault.None
                do! Task.Delay 200
                Expect.equal sent.Value before "nothing was sent"
                Expect.isLessThan server.Requests.Count (before + 1) "nothing else was seen"
                Expect.isLessThan before 20 "most were never begun"
                let! last = sink.PushAsync(ExportArtifact("last", path))
                Expect.isTrue (isTrueAt server last) "the sink can still be used"
                Expect.equal sent.Value (before + 1) "for one request"
            })

        testCaseTask "whose consumer leaves awaits what it cancels, and calls back with what ended" (fun () ->
            task {
                use folder = new Folder()
                let gauge = Gauge()
                let cancelled = ref 0
                let called = ConcurrentQueue<string>()

                use sink =
                    sinkOver (fun _ cancellation ->
                        gauge.While(fun number ->
                            task {
                                if number = 1 then
                                    return done' ()
                                else
                                    try
                                        do! Task.Delay(Timeout.Infinite, cancellation)
                                        return done' ()
                                    with :? OperationCanceledException ->
                                        // It takes its time to end.
                                        do! Task.Delay 50
                                        Interlocked.Increment cancelled |> ignore
                                        return! Task.FromCanceled<_> cancellation
                            }))

                let options =
                    completing 5 (fun result ->
                        called.Enqueue result.Artifact.Name
                        Task.CompletedTask)

                let! results, error =
                    sink.PushManyAsync(artifactsOf (folder.Write("f", patterned 10)) 50, options)
                    |> readWhile never (fun _ ->
                        task {
                            do! waitFor "five to be under way" (fun () -> gauge.Now = 5)
                            return false
                        })

                Expect.isNone error "leaving is no error"
                Expect.equal cancelled.Value 5 "all five were cancelled and have ended"
                Expect.equal gauge.Now 0 "nothing runs on"
                Expect.equal gauge.Begun 6 "nothing was begun"
                Expect.equal (List.ofSeq called) (namesOf results) "the one that ended"
            })

        for count in [ 1; 3 ] do
            testCaseTask
                $"begins nothing in a place before the callback of its last has ended, {count} at once"
                (fun () ->
                    task {
                        use! server = LoopbackS3Server.StartAsync()
                        use folder = new Folder()
                        use sink = sinkThrough server (options 1)
                        let gate = obj ()
                        let mutable begun = 0
                        let mutable ended = 0
                        let mutable most = 0
                        let calledBack = ConcurrentDictionary<string, bool>()

                        server.OnAttempt <-
                            fun _ ->
                                lock gate (fun () ->
                                    begun <- begun + 1
                                    most <- max most (begun - ended))

                                Fault.None

                        let options =
                            completing count (fun result ->
                                task {
                                    do! Task.Delay 3
                                    lock gate (fun () -> ended <- ended + 1)
                                    calledBack[result.Artifact.Name] <- true
                                })

                        let! results, error =
                            sink.PushManyAsync(artifactsOf (folder.Write("f", patterned 10)) 60, options)
                            |> readWhile never (fun result ->
                                Expect.isTrue
                                    (calledBack.ContainsKey result.Artifact.Name)
                                    "the callback ended before the result is given"

                                Task.FromResult true)

                        Expect.isNone error "it ends well"
                        Expect.hasLength results 60 "all"
                        Expect.equal ended 60 "each was called back once"
                        Expect.equal most count "PUTs without an ended callback"
                    })

        for how in [ "at once"; "later" ] do
            testCaseTask
                $"whose callback throws {how} begins nothing more, tears nothing, and throws that at the end"
                (fun () ->
                    task {
                        use folder = new Folder()
                        let gauge = Gauge()
                        let release = pending ()
                        let error = IOException "No space left on device"
                        let called = ConcurrentQueue<string>()

                        use sink =
                            sinkOver (fun name cancellation ->
                                gauge.While(fun _ ->
                                    task {
                                        if name = "00001" then
                                            do! waitFor "three to be under way" (fun () -> gauge.Begun = 3)
                                        else
                                            do!
                                                release.Task.WaitAsync(
                                                    TimeSpan.FromSeconds 20.,
                                                    cancellation
                                                )

                                        return done' ()
                                    }))

                        let options =
                            completing 3 (fun result ->
                                called.Enqueue result.Artifact.Name

                                if result.Artifact.Name <> "00001" then
                                    Task.CompletedTask
                                elif how = "at once" then
                                    raise error
                                else
                                    task {
                                        do! Task.Delay 20
                                        return raise error
                                    })

                        let artifacts = artifactsOf (folder.Write("f", patterned 10)) 50

                        let! results, thrown =
                            sink.PushManyAsync(artifacts, options)
                            |> readWhile never (fun _ ->
                                // The first result is that of the callback that threw.
                                release.TrySetResult() |> ignore
                                Task.FromResult true)

                        Expect.isTrue
                            (obj.ReferenceEquals(Expect.wantSome thrown "an exception", error))
                            "that one"

                        Expect.equal gauge.Begun 3 "no other was begun"
                        Expect.equal (namesOf results) [ "00001"; "00002"; "00003" ] "all three gave results"
                        Expect.all results _.IsExported "and receipts"

                        Expect.equal
                            (called |> Seq.sort |> List.ofSeq)
                            (namesOf results)
                            "each was called back"
                    })

        testCaseTask "whose callback gives up on its own account ends in that" (fun () ->
            task {
                use folder = new Folder()
                use sink = sinkOver (fun _ _ -> Task.FromResult(done' ()))

                let options =
                    completing 2 (fun _ ->
                        Task.FromException(OperationCanceledException "a timeout of its own"))

                let! results, error =
                    sink.PushManyAsync(artifactsOf (folder.Write("f", patterned 10)) 50, options)
                    |> readWhile never goOn

                Expect.equal
                    (Expect.wantSome error "it ends badly").Message
                    "a timeout of its own"
                    "that one"

                Expect.isLessThan results.Length 3 "no other was begun"
            })

        testCaseTask "whose callback gives up when the batch is cancelled loses no receipt" (fun () ->
            task {
                use folder = new Folder()
                use source = new CancellationTokenSource()
                use sink = sinkOver (fun _ _ -> Task.FromResult(done' ()))

                let options =
                    ExportBatchOptions(
                        MaxConcurrency = 1,
                        OnCompleted =
                            Func<_, _, _>(fun _ token ->
                                source.Cancel()
                                ValueTask(Task.Delay(Timeout.Infinite, token)))
                    )

                // The last of all artifacts: nothing but the callback is given up.
                let! results, error =
                    sink.PushManyAsync(
                        artifactsOf (folder.Write("f", patterned 10)) 1,
                        options,
                        source.Token
                    )
                    |> readWhile never goOn

                isCancelled error
                Expect.hasLength results 1 "its receipt"
            })

        testCaseTask "whose callback throws when the consumer has left says so" (fun () ->
            task {
                use folder = new Folder()
                let error = IOException "No space left on device"
                let waiting = pending ()
                let leaving = pending ()
                use sink = sinkOver (fun _ _ -> Task.FromResult(done' ()))

                let options =
                    completing 2 (fun result ->
                        task {
                            if result.Artifact.Name <> "00001" then
                                waiting.TrySetResult() |> ignore
                                do! leaving.Task
                                return raise error
                        })

                let! results, thrown =
                    sink.PushManyAsync(artifactsOf (folder.Write("f", patterned 10)) 50, options)
                    |> readWhile never (fun _ ->
                        task {
                            do! waiting.Task.WaitAsync(TimeSpan.FromSeconds 20.)
                            leaving.SetResult()
                            return false
                        })

                Expect.hasLength results 1 "one was read"
                Expect.isTrue (obj.ReferenceEquals(Expect.wantSome thrown "an exception", error)) "that one"
            })

        testCaseTask "that ends well cancels nothing, not even its callback's token" (fun () ->
            task {
                use folder = new Folder()
                use sink = sinkOver (fun _ _ -> Task.FromResult(done' ()))
                let cancelled = ref 0

                let options =
                    ExportBatchOptions(
                        OnCompleted =
                            Func<_, _, _>(fun _ token ->
                                token.Register(fun () -> Interlocked.Increment cancelled |> ignore)
                                |> ignore

                                ValueTask.CompletedTask)
                    )

                let! results =
                    readAll (sink.PushManyAsync(artifactsOf (folder.Write("f", patterned 10)) 9, options))

                Expect.hasLength results 9 "all"
                Expect.equal cancelled.Value 0 "none"
            })

        testCaseTask "holds its workers back when nobody reads" (fun () ->
            task {
                use folder = new Folder()
                let gauge = Gauge()
                use sink = sinkOver (fun _ _ -> gauge.While(fun _ -> Task.FromResult(done' ())))
                let artifacts = artifactsOf (folder.Write("f", patterned 10)) 100
                let slow = ref true

                let! results, error =
                    sink.PushManyAsync(artifacts, atOnce 4)
                    |> readWhile never (fun _ ->
                        task {
                            if slow.Value then
                                // One is read, four wait, and each worker has one in its hand.
                                do! waitFor "the workers to be held back" (fun () -> gauge.Begun = 9)
                                do! Task.Delay 100
                                Expect.equal gauge.Begun 9 "and no more"
                                slow.Value <- false

                            return true
                        })

                Expect.isNone error "it ends well"
                Expect.hasLength results 100 "all"
            })

        testCaseTask "begins when it is enumerated, and anew each time" (fun () ->
            task {
                use folder = new Folder()
                let gauge = Gauge()
                use sink = sinkOver (fun _ _ -> gauge.While(fun _ -> Task.FromResult(done' ())))
                let results = sink.PushManyAsync(artifactsOf (folder.Write("f", patterned 10)) 5)
                Expect.equal gauge.Begun 0 "not yet"
                let! first = readAll results
                let! second = readAll results
                Expect.equal (namesOf first) (namesOf second) "twice the same"
                Expect.equal gauge.Begun 10 "each exported twice"
            })

        testCaseTask "of 100,000 artifacts begins at once, and only as many as there are places" (fun () ->
            task {
                use folder = new Folder()
                let gauge = Gauge()
                use sink = sinkOver (fun _ _ -> gauge.While(fun _ -> Task.FromResult(done' ())))
                let artifacts = artifactsOf (folder.Write("f", patterned 10)) 100_000

                let! results, error =
                    sink.PushManyAsync(artifacts, atOnce 8)
                    |> readWhile never (fun _ -> Task.FromResult false)

                Expect.isNone error "leaving is no error"
                Expect.hasLength results 1 "one was read"
                Expect.isLessThan gauge.Begun 40 "the others were never begun"
            })

        testCaseTask "through a sink that is disposed of ends in that, and tears nothing" (fun () ->
            task {
                use folder = new Folder()
                let gauge = Gauge()
                let release = pending ()
                let disposed = pending ()

                let sink =
                    sinkOver (fun name _ ->
                        gauge.While(fun _ ->
                            task {
                                if name = "00001" then
                                    do! disposed.Task.WaitAsync(TimeSpan.FromSeconds 20.)
                                else
                                    do! release.Task.WaitAsync(TimeSpan.FromSeconds 20.)

                                return done' ()
                            }))

                let batch =
                    sink.PushManyAsync(artifactsOf (folder.Write("f", patterned 10)) 50, atOnce 3)
                    |> readWhile never (fun _ ->
                        release.TrySetResult() |> ignore
                        Task.FromResult true)

                do! waitFor "three to be under way" (fun () -> gauge.Now = 3)
                sink.Dispose()
                disposed.SetResult()
                let! results, error = batch

                match error with
                | Some(:? ObjectDisposedException) -> ()
                | other -> failtest $"ObjectDisposedException was expected, and it was {other}"

                Expect.equal (namesOf results) [ "00001"; "00002"; "00003" ] "those under way"
                Expect.equal gauge.Begun 3 "and no other"

                Expect.throwsT<ObjectDisposedException>
                    (fun () -> sink.PushManyAsync [] |> ignore)
                    "nor another batch"
            })

        testList "is refused, and nothing is sent, for" [
            testCase "names that are wrong or the same, all at once" (fun () ->
                use sink = sinkOver (fun _ _ -> failtest "a request")

                let message =
                    refusal (fun () ->
                        sink.PushManyAsync(
                            [
                                for name in [ "a"; ".."; "b"; "a"; ""; String('x', 256) ] do
                                    yield ExportArtifact(name, "/x")
                                yield
                                    ExportArtifact(
                                        String.Join('/', List.replicate 5 (String('x', 250))),
                                        "/x"
                                    )
                                yield ExportArtifact("c", "/x", ExportArtifactMetadata(ContentType = "ü"))
                                yield ExportArtifact("d", Unchecked.defaultof<string>)
                                yield Unchecked.defaultof<ExportArtifact>
                            ],
                            atOnce 0
                        ))

                for text in
                    [
                        "number of pushes at once is 0"
                        "of artifact 2 "
                        "of artifact 4 ('a') is that of artifact 1"
                        "of artifact 5 is empty"
                        "of artifact 6 is 256 bytes"
                        "object key of artifact 7"
                        "content type of artifact 8"
                        "path of artifact 9 is missing"
                        "of artifact 10 is empty"
                    ] do
                    Expect.stringContains message text "each is told"

                Expect.isFalse (message.Contains "artifact 3") "what is right is not")

            for count in [ Int32.MinValue; -1; 0; 257 ] do
                testCase $"{count} at once" (fun () ->
                    use sink = sinkOver (fun _ _ -> failtest "a request")

                    Expect.stringContains
                        (refusal (fun () -> sink.PushManyAsync([], atOnce count)))
                        "1 to 256"
                        "what to give")

            testCase "no list" (fun () ->
                use sink = sinkOver (fun _ _ -> failtest "a request")

                Expect.throwsT<ArgumentNullException>
                    (fun () -> sink.PushManyAsync(Unchecked.defaultof<seq<_>>) |> ignore)
                    "null")

            testCase "a list that fails while it is read, which is its own exception" (fun () ->
                use sink = sinkOver (fun _ _ -> failtest "a request")

                Expect.throwsT<UnauthorizedAccessException>
                    (fun () ->
                        sink.PushManyAsync(
                            seq {
                                ExportArtifact("a", "/x")
                                raise (UnauthorizedAccessException())
                            }
                        )
                        |> ignore)
                    "as it is")
        ]

        testCaseTask "reads a lazy list once" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.Write("f", patterned 10)
                use sink = sinkOver (fun _ _ -> Task.FromResult(done' ()))
                let walks = ref 0

                let lazily =
                    seq {
                        walks.Value <- walks.Value + 1
                        yield! artifactsOf path 10
                    }

                let results = sink.PushManyAsync lazily
                let! first = readAll results
                let! _ = readAll results
                Expect.hasLength first 10 "all"
                Expect.equal walks.Value 1 "one walk"
            })

        testCaseTask
            "of 2,000 artifacts under random faults gives 2,000 results, and its receipts are true"
            (fun () ->
                task {
                    use! server = LoopbackS3Server.StartAsync()
                    use folder = new Folder()
                    use sink = sinkThrough server (options 3)
                    let seed = Environment.TickCount
                    let dice = Random seed

                    let faults: Fault[] = [|
                        Fault.Status(500, "InternalError")
                        Fault.Status(503, "SlowDown", beforeBody = true)
                        Fault.Status(403, "AccessDenied")
                        Fault.ResetBeforeBody
                        Fault.ResetWithinBody 100L
                        Fault.ResetAfterBody true
                        Fault.ResetAfterBody false
                        Fault.CloseAfterBody true
                        Fault.Corrupt
                        Fault.WrongETag
                        Fault.RawReply("HTTP/1.1 20"B)
                    |]

                    server.OnAttempt <-
                        fun _ ->
                            lock dice (fun () ->
                                if dice.Next 4 = 0 then faults[dice.Next faults.Length] else Fault.None)

                    let artifacts =
                        files folder [ for i in 1..2000 -> $"d{i % 7}/%05d{i}", i % 300 * (1 + i % 3) ]

                    let reports = Reports()

                    let options = ExportBatchOptions(MaxConcurrency = 16, Progress = reports)

                    let! results = readAll (sink.PushManyAsync(artifacts, options))

                    Expect.sequenceEqual
                        (namesOf results)
                        (artifacts |> List.map _.Name |> List.sort)
                        $"each once (seed {seed})"

                    let exported, failed = results |> List.partition _.IsExported
                    Expect.isGreaterThan exported.Length 1000 $"most are exported (seed {seed})"
                    Expect.isGreaterThan failed.Length 10 $"some are not (seed {seed})"
                    let objects = server.Objects

                    for result in exported do
                        let receipt = receiptOf result
                        let stored = objects[struct (bucket, keyOf result.Artifact.Name)]
                        let bytes = File.ReadAllBytes result.Artifact.Path

                        if
                            stored.Sha256 <> receipt.Sha256
                            || receipt.Sha256 <> sha256 bytes
                            || receipt.BytesWritten <> bytes.LongLength
                        then
                            failtest $"a false receipt (seed {seed}): {receipt.ToJson()}"

                    for result in failed do
                        let isStored = objects.ContainsKey(struct (bucket, keyOf result.Artifact.Name))

                        if isStored && not (failureIn result).MayBeStored then
                            failtest $"a failure that denies an object (seed {seed}): {result.ToJson()}"

                    for result in results do
                        reports.Of result.Artifact.Name
                        |> isLawful (int (FileInfo result.Artifact.Path).Length) result.IsExported
                })
    ]
