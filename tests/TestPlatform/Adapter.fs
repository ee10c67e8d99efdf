/// Hands Expecto's tests to Microsoft.Testing.Platform, for `dotnet test`, IDEs and Stryker.
module internal TestPlatform.Adapter

open System
open System.Threading.Tasks
open Expecto
open Expecto.Impl
open Microsoft.Testing.Platform.Builder
open Microsoft.Testing.Platform.Capabilities.TestFramework
open Microsoft.Testing.Platform.Extensions
open Microsoft.Testing.Platform.Extensions.Messages
open Microsoft.Testing.Platform.Extensions.TestFramework
open Microsoft.Testing.Platform.Requests

/// The tests that a client asks for: it knows a test by its full name.
let private chosen (filter: ITestExecutionFilter) tests =
    match filter with
    | :? TestNodeUidListFilter as filter ->
        let names = filter.TestNodeUids |> Array.map _.Value |> Set
        tests |> Test.filter "." (String.concat "." >> names.Contains)
    | _ -> tests

/// Failed for an expectation that does not hold, also where a task wraps it; an error for everything else.
let private thrown (e: exn) : TestNodeStateProperty =
    match e with
    | :? ExpectoException -> FailedTestNodeStateProperty(e, e.Message)
    | _ -> ErrorTestNodeStateProperty(e, e.Message)

/// Runs the tests as Expecto does on its own command line, and publishes what comes of each.
type private Framework(tests: Test) =
    interface IExtension with
        member _.Uid = "Expecto"
        member _.Version = "1.0.0"
        member _.DisplayName = "Expecto"
        member _.Description = "Runs the Expecto tests of this program"
        member _.IsEnabledAsync() = Task.FromResult true

    interface IDataProducer with
        member _.DataTypesProduced = [| typeof<TestNodeUpdateMessage> |]

    interface ITestFramework with
        member _.CreateTestSessionAsync _ =
            Task.FromResult(CreateTestSessionResult(IsSuccess = true))

        member _.CloseTestSessionAsync _ =
            Task.FromResult(CloseTestSessionResult(IsSuccess = true))

        member this.ExecuteRequestAsync context =
            let request = context.Request :?> TestExecutionRequest

            let publish name (properties: IProperty list) =
                let node =
                    TestNode(Uid = TestNodeUid name, DisplayName = name, Properties = PropertyBag properties)

                context.MessageBus.PublishAsync(
                    this,
                    TestNodeUpdateMessage(request.Session.SessionUid, node, null)
                )
                |> Async.AwaitTask

            let ended name (duration: TimeSpan) (state: TestNodeStateProperty) =
                let now = DateTimeOffset.UtcNow
                publish name [ state; TimingProperty(TimingInfo(now - duration, now, duration)) ]

            let printer = {
                TestPrinters.silent with
                    beforeEach = fun name _ -> publish name [ InProgressTestNodeStateProperty.CachedInstance ]
                    passed =
                        fun name duration -> ended name duration PassedTestNodeStateProperty.CachedInstance
                    ignored =
                        fun name reason -> ended name TimeSpan.Zero (SkippedTestNodeStateProperty reason)
                    failed =
                        fun name message duration -> ended name duration (FailedTestNodeStateProperty message)
                    exn = fun name e duration -> ended name duration (thrown e)
            }

            let tests = chosen request.Filter tests

            task {
                try
                    match context.Request with
                    | :? DiscoverTestExecutionRequest ->
                        for test in Test.toTestCodeList tests do
                            do! publish (test.fullName ".") [ DiscoveredTestNodeStateProperty.CachedInstance ]
                    | _ ->
                        let config = {
                            ExpectoConfig.defaultConfig with
                                printer = printer
                        }

                        let! _ = evalTestsWithCancel context.CancellationToken config tests false
                        ()
                finally
                    context.Complete()
            }

/// Runs the tests under Microsoft.Testing.Platform; gives the exit code.
let run (tests: Test) (arguments: string[]) : int =
    task {
        let! builder = TestApplication.CreateBuilderAsync arguments

        builder.RegisterTestFramework((fun _ -> TestFrameworkCapabilities()), fun _ _ -> Framework tests)
        |> ignore

        use! application = builder.BuildAsync()
        return! application.RunAsync()
    }
    |> _.GetAwaiter().GetResult()
