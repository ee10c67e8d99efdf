/// Finds the tests, runs them, and tells Microsoft.Testing.Platform.
module internal Expecto.Runner

open System
open System.Collections.Concurrent
open System.Diagnostics
open System.Reflection
open System.Threading
open System.Threading.Tasks
open Microsoft.Testing.Platform.Builder
open Microsoft.Testing.Platform.Capabilities.TestFramework
open Microsoft.Testing.Platform.CommandLine
open Microsoft.Testing.Platform.Extensions
open Microsoft.Testing.Platform.Extensions.CommandLine
open Microsoft.Testing.Platform.Extensions.Messages
open Microsoft.Testing.Platform.Extensions.TestFramework
open Microsoft.Testing.Platform.Requests
open Microsoft.Testing.Platform.Services

type Flat = {
    Name: string
    Code: TestCode
    State: FocusState
    Sequenced: bool
}

let private inherited parent own =
    match parent, own with
    | Pending, _
    | _, Pending -> Pending
    | Focused, _ -> Focused
    | Normal, own -> own

let flatten test =
    let rec loop path state sequenced test = [
        match test with
        | TestCase(code, own) -> {
            Name = String.Join('.', List.rev path)
            Code = code
            State = inherited state own
            Sequenced = sequenced
          }
        | TestList(tests, own) -> yield! List.collect (loop path (inherited state own) sequenced) tests
        | TestLabel(label, test, own) -> yield! loop (label :: path) (inherited state own) sequenced test
        | Sequenced(how, test) -> yield! loop path state (how = Synchronous) test
    ]

    loop [] Normal false test

/// The values marked with `[<Tests>]`, in the order of the metadata. Raises what their making raised.
let discover (assembly: Assembly) =
    let flags =
        BindingFlags.Static ||| BindingFlags.Public ||| BindingFlags.DoNotWrapExceptions

    let read (m: MemberInfo) =
        match m with
        | :? PropertyInfo as p -> p.GetValue(null, flags, null, null, null)
        | :? FieldInfo as f -> f.GetValue null
        | :? MethodInfo as m -> m.Invoke(null, flags, null, [||], null)
        | _ -> null

    [
        for t in assembly.GetTypes() do
            for m in t.GetMembers flags do
                if m.IsDefined(typeof<TestsAttribute>, false) then
                    match read m with
                    | :? Test as test -> yield! flatten test
                    | _ -> invalidOp $"%s{t.FullName}.%s{m.Name} is marked with [<Tests>], but gives no Test."
    ]

/// Why the tests cannot be run as they are, or None.
let complaint tests =
    let repeated =
        tests
        |> List.countBy _.Name
        |> List.choose (fun (name, n) -> if n > 1 then Some $"  {name} ({n} times)" else None)

    if repeated.IsEmpty then
        None
    else
        Some("Duplicate test names:\n" + String.Join("\n", repeated))

type Outcome =
    | Passed
    | Ignored of string
    | Failed of exn
    | Errored of exn

let private run (test: Flat) (skip: string option) =
    task {
        match skip with
        | Some reason -> return Ignored reason
        | None ->
            try
                match test.Code with
                | Sync code -> code ()
                | Async code -> do! Async.StartImmediateAsTask code

                return Passed
            with e ->
                let e =
                    match e with
                    | :? AggregateException as all when all.InnerExceptions.Count = 1 -> all.InnerException
                    | e -> e

                match e with
                | :? IgnoreException -> return Ignored e.Message
                | :? AssertException
                | :? FailedException -> return Failed e
                | e -> return Errored e
    }

let private state outcome : TestNodeStateProperty =
    match outcome with
    | Passed -> PassedTestNodeStateProperty.CachedInstance
    | Ignored reason -> SkippedTestNodeStateProperty reason
    | Failed e -> FailedTestNodeStateProperty(e, e.Message)
    | Errored e -> ErrorTestNodeStateProperty(e, $"%s{e.GetType().FullName}: %s{e.Message}")

[<AbstractClass>]
type Extension() =
    interface IExtension with
        member _.Uid = "Expecto"
        member _.Version = "1.0.0"
        member _.DisplayName = "Expecto"
        member _.Description = "Tests written against the API of Expecto"
        member _.IsEnabledAsync() = Task.FromResult true

/// `--filter TEXT` and `--sequenced`.
type Options() =
    inherit Extension()

    interface ICommandLineOptionsProvider with
        member _.GetCommandLineOptions() = [|
            CommandLineOption(
                "filter",
                "Only the tests whose full name contains the text",
                ArgumentArity.ExactlyOne,
                false
            )
            CommandLineOption("sequenced", "One test at a time", ArgumentArity.Zero, false)
        |]

        member _.ValidateOptionArgumentsAsync(_, _) = ValidationResult.ValidTask
        member _.ValidateCommandLineOptionsAsync _ = ValidationResult.ValidTask

type Producer() =
    inherit Extension()

    interface IDataProducer with
        member _.DataTypesProduced = [| typeof<TestNodeUpdateMessage> |]

type Framework
    (discovered: Lazy<Flat list>, workers: int, options: ICommandLineOptions, outcomes: ConcurrentBag<Outcome>)
    =
    inherit Extension()

    let producer = Producer()

    let chosen (filter: ITestExecutionFilter) =
        let byText =
            match options.TryGetOptionArgumentList "filter" with
            | true, [| text |] -> fun test -> test.Name.Contains(text, StringComparison.Ordinal)
            | _ -> fun _ -> true

        let byUid =
            match filter with
            | :? TestNodeUidListFilter as filter ->
                let uids = filter.TestNodeUids |> Array.map _.Value |> Set
                fun test -> uids.Contains test.Name
            | _ -> fun _ -> true

        discovered.Value |> List.filter (fun test -> byText test && byUid test)

    interface ITestFramework with
        member _.CreateTestSessionAsync _ =
            let error =
                try
                    complaint discovered.Value
                with e ->
                    Some $"The tests could not be found: %O{e}"

            CreateTestSessionResult(IsSuccess = error.IsNone, ErrorMessage = Option.toObj error)
            |> Task.FromResult

        member _.CloseTestSessionAsync _ =
            Task.FromResult(CloseTestSessionResult(IsSuccess = true))

        member _.ExecuteRequestAsync context =
            let request = context.Request :?> TestExecutionRequest

            let publish (test: Flat) (properties: IProperty list) =
                let node =
                    TestNode(
                        Uid = TestNodeUid test.Name,
                        DisplayName = test.Name,
                        Properties = PropertyBag properties
                    )

                context.MessageBus.PublishAsync(
                    producer,
                    TestNodeUpdateMessage(request.Session.SessionUid, node, null)
                )

            let tests = chosen request.Filter
            let focus = tests |> List.exists (fun test -> test.State = Focused)

            let one (test: Flat) =
                task {
                    let skip =
                        match test.State with
                        | Pending -> Some "The test or one above it is marked as pending"
                        | Normal when focus -> Some "Other tests are focused"
                        | _ -> None

                    do! publish test [ InProgressTestNodeStateProperty.CachedInstance ]
                    let start, watch = DateTimeOffset.UtcNow, Stopwatch.StartNew()
                    let! outcome = run test skip
                    outcomes.Add outcome
                    let timing = TimingInfo(start, start + watch.Elapsed, watch.Elapsed)
                    do! publish test [ state outcome; TimingProperty timing ]
                }

            let side workers (tests: Flat list) =
                let options =
                    ParallelOptions(
                        MaxDegreeOfParallelism = workers,
                        CancellationToken = context.CancellationToken
                    )

                Parallel.ForEachAsync(tests, options, fun test _ -> ValueTask(one test :> Task))

            task {
                try
                    match context.Request with
                    | :? DiscoverTestExecutionRequest ->
                        for test in tests do
                            do! publish test [ DiscoveredTestNodeStateProperty.CachedInstance ]
                    | _ ->
                        let alone, together = tests |> List.partition _.Sequenced
                        do! side (if options.IsOptionSet "sequenced" then 1 else workers) together
                        do! side 1 alone
                finally
                    context.Complete()
            }

let main (assembly: Assembly) workers (args: string[]) =
    task {
        let discovered = lazy (discover assembly)
        let outcomes = ConcurrentBag<Outcome>()
        let watch = Stopwatch.StartNew()
        let! builder = TestApplication.CreateBuilderAsync args
        builder.CommandLine.AddProvider(fun () -> Options() :> ICommandLineOptionsProvider)

        builder.RegisterTestFramework(
            (fun _ -> TestFrameworkCapabilities()),
            fun _ services -> Framework(discovered, workers, services.GetCommandLineOptions(), outcomes)
        )
        |> ignore

        use! app = builder.BuildAsync()
        let! code = app.RunAsync()
        let outcomes = outcomes.ToArray()

        if outcomes.Length > 0 then
            let count is =
                outcomes |> Array.filter is |> Array.length

            let ignored = count _.IsIgnored

            printfn
                "EXPECTO! %d tests run in %O for %s – %d passed, %d ignored, %d failed, %d errored.%s"
                (outcomes.Length - ignored)
                watch.Elapsed
                (assembly.GetName().Name)
                (count _.IsPassed)
                ignored
                (count _.IsFailed)
                (count _.IsErrored)
                (if code = 0 then " Success!" else "")

        return code
    }
