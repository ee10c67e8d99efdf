/// Finds the tests, runs them, and tells Microsoft.Testing.Platform.
module internal Expecto.Runner

open System
open System.Collections.Concurrent
open System.Diagnostics
open System.Reflection
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
    Sequenced: bool
}

let rec private flatten path sequenced test = [
    match test with
    | TestCase code -> {
        Name = String.Join('.', List.rev path)
        Code = code
        Sequenced = sequenced
      }
    | TestList tests -> yield! List.collect (flatten path sequenced) tests
    | TestLabel(label, test) -> yield! flatten (label :: path) sequenced test
    | Sequenced(how, test) -> yield! flatten path (how = Synchronous) test
]

/// The values marked with `[<Tests>]`, in the order of the metadata. Raises what their making raised.
let private discover (assembly: Assembly) =
    let flags =
        BindingFlags.Static ||| BindingFlags.Public ||| BindingFlags.DoNotWrapExceptions

    [
        for t in assembly.GetTypes() do
            for p in t.GetProperties flags do
                if p.IsDefined(typeof<TestsAttribute>, false) then
                    match p.GetValue(null, flags, null, null, null) with
                    | :? Test as test -> yield! flatten [] false test
                    | _ -> invalidOp $"%s{t.FullName}.%s{p.Name} is marked with [<Tests>], but is no Test."
    ]

/// The tests of a program, or why they cannot be run.
let collect assembly =
    try
        let tests = discover assembly

        match tests |> List.countBy _.Name |> List.filter (fun (_, count) -> count > 1) with
        | [] -> Ok tests
        | repeated ->
            let lines =
                repeated |> List.map (fun (name, count) -> $"\n  %s{name} (%d{count} times)")

            Error("Duplicate test names:" + String.Concat lines)
    with e ->
        Error $"The tests could not be made: %O{e}"

type Outcome =
    | Passed
    | Ignored of string
    | Failed of exn
    | Errored of exn

let private run (test: Flat) =
    task {
        try
            match test.Code with
            | Sync code -> code ()
            | Async code -> do! Async.StartImmediateAsTask code

            return Passed
        with e ->
            match Text.unwrapped e with
            | :? IgnoreException as e -> return Ignored e.Message
            | :? ExpectoException as e -> return Failed e
            | e -> return Errored e
    }

let private state outcome : TestNodeStateProperty =
    match outcome with
    | Passed -> PassedTestNodeStateProperty.CachedInstance
    | Ignored reason -> SkippedTestNodeStateProperty reason
    | Failed(:? FailedException as e) -> FailedTestNodeStateProperty e.Message
    | Failed e -> FailedTestNodeStateProperty(e, e.Message)
    | Errored e -> ErrorTestNodeStateProperty(e, e.Message)

[<AbstractClass>]
type Extension() =
    interface IExtension with
        member _.Uid = "Expecto"
        member _.Version = "1.0.0"
        member _.DisplayName = "Expecto"
        member _.Description = "Tests written against the API of Expecto"
        member _.IsEnabledAsync() = Task.FromResult true

/// `--filter TEXT`.
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
        |]

        member _.ValidateOptionArgumentsAsync(_, _) = ValidationResult.ValidTask
        member _.ValidateCommandLineOptionsAsync _ = ValidationResult.ValidTask

type Producer() =
    inherit Extension()

    interface IDataProducer with
        member _.DataTypesProduced = [| typeof<TestNodeUpdateMessage> |]

type Framework(all: Flat list, workers: int, options: ICommandLineOptions, outcomes: ConcurrentBag<Outcome>) =
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

        all |> List.filter (fun test -> byText test && byUid test)

    interface ITestFramework with
        member _.CreateTestSessionAsync _ =
            Task.FromResult(CreateTestSessionResult(IsSuccess = true))

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

            let one (test: Flat) =
                task {
                    do! publish test [ InProgressTestNodeStateProperty.CachedInstance ]
                    let start, watch = DateTimeOffset.UtcNow, Stopwatch.StartNew()
                    let! outcome = run test
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
                        do! side workers together
                        do! side 1 alone
                finally
                    context.Complete()
            }

let private runAll (name: string) tests workers (args: string[]) =
    task {
        let outcomes = ConcurrentBag<Outcome>()
        let watch = Stopwatch.StartNew()
        let! builder = TestApplication.CreateBuilderAsync args
        builder.CommandLine.AddProvider(fun () -> Options() :> ICommandLineOptionsProvider)

        builder.RegisterTestFramework(
            (fun _ -> TestFrameworkCapabilities()),
            fun _ services -> Framework(tests, workers, services.GetCommandLineOptions(), outcomes)
        )
        |> ignore

        use! app = builder.BuildAsync()
        let! code = app.RunAsync()

        if not outcomes.IsEmpty then
            let count is = outcomes |> Seq.filter is |> Seq.length
            let passed, ignored = count _.IsPassed, count _.IsIgnored
            let failed, errored = count _.IsFailed, count _.IsErrored
            let ran = passed + failed + errored

            printfn
                $"EXPECTO! %d{ran} tests run in %O{watch.Elapsed} for %s{name} – \
                %d{passed} passed, %d{ignored} ignored, %d{failed} failed, %d{errored} errored."

        return code
    }

let main (assembly: Assembly) workers args =
    match collect assembly with
    | Ok tests -> (runAll (assembly.GetName().Name) tests workers args).GetAwaiter().GetResult()
    | Error message ->
        eprintfn "%s" message
        2
