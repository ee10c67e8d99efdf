/// The tool as an operator's shell runs it.
module Cli.Tests.Shell

open Cli.Tests.Scene
open Cli.Tests.Support

/// The tool in a shell, after other commands, with what follows it there, such as `2>/dev/full`. A pipe's code is that
/// of the tool.
let shellToolAfter (before: string) variables (arguments: string list) (redirection: string) =
    task {
        let command = tool @ arguments |> List.map quote |> String.concat " "

        use child =
            new Child("bash", [ "-c"; $"set -o pipefail; {before}; {command} {redirection}" ], variables)

        return! child.End()
    }

let shellTool variables = shellToolAfter ":" variables

let pushOf (scene: Scene) (arguments: string list) =
    [ "push"; "--spec"; scene.Spec; "--cell-id"; "cell-7" ] @ arguments

let shellPush (scene: Scene) variables (arguments: string list) (redirection: string) =
    shellTool variables (pushOf scene arguments) redirection
