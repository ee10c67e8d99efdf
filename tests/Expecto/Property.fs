namespace Expecto

open System
open FsCheck

[<AutoOpen>]
module ExpectoFsCheck =
    let private values items =
        items |> List.map Text.show |> String.concat "\n\t"

    let private replay (seed: Rnd) size =
        $"replay = Some (%d{seed.Seed}UL, %d{seed.Gamma}UL, Some %d{size})"

    let private report result =
        match result with
        | TestResult.Passed _ -> ()
        | TestResult.Exhausted data ->
            raise (
                FailedException
                    $"Exhausted after %d{data.NumberOfTests} tests: too many values were rejected."
            )
        | TestResult.Failed(_, _, _, Outcome.Failed(:? IgnoreException as e), _, _, _) -> raise e
        | TestResult.Failed(data, original, shrunk, outcome, _, seed, size) ->
            let lines = [
                $"Failed after %d{data.NumberOfTests} tests, shrunk %d{data.NumberOfShrinks} times."

                if data.NumberOfShrinks > 0 then
                    $"Counterexample:\n\t%s{values shrunk}"
                    $"Before shrinking:\n\t%s{values original}"
                else
                    $"Counterexample:\n\t%s{values original}"

                if not data.Labels.IsEmpty then
                    let labels = String.Join("; ", data.Labels)
                    $"Labels: %s{labels}"

                match outcome with
                | Outcome.Failed e -> $"Because: %O{Text.unwrapped e}"
                | outcome -> $"Because: %A{outcome}"

                $"To repeat it: {{ FsCheckConfig.defaultConfig with %s{replay seed size} }}"
            ]

            raise (FailedException(String.Join("\n", lines)))

    let private runner = {
        new IRunner with
            member _.OnStartFixture _ = ()
            member _.OnArguments(_, _, _) = ()
            member _.OnShrink(_, _) = ()
            member _.OnFinished(_, result) = report result
    }

    let testPropertyWithConfig (config: FsCheckConfig) (name: string) (property: 'testable) =
        let start (seed: uint64, gamma: uint64, size) : Replay = { Rnd = Rnd(seed, gamma); Size = size }

        testCase name (fun () ->
            let settings =
                Config.Default
                    .WithName(name)
                    .WithMaxTest(config.maxTest)
                    .WithStartSize(config.startSize)
                    .WithEndSize(config.endSize)
                    .WithReplay(Option.map start config.replay)
                    .WithArbitrary(config.arbitrary)
                    .WithQuietOnSuccess(true)
                    .WithRunner(runner)

            Check.One(settings, property))
