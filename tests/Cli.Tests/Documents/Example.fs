/// The examples of `examples/`: what each sets and runs, read from its file.
module Cli.Tests.Example

open System.IO
open System.Text.RegularExpressions
open YamlDotNet.RepresentationModel
open Cli.Tests.Support

/// Variables and a script for bash, in which the tool has its own name.
type Example = {
    File: string
    Variables: (string * string) list
    Script: string
}

let private read (file: string) =
    File.ReadAllText(Path.Combine(root, "examples", file))

let documents (file: string) =
    let stream = YamlStream()
    stream.Load(new StringReader(read file))
    [ for document in stream.Documents -> document.RootNode ]

/// The node below these keys.
let rec at (keys: string list) (node: YamlNode) =
    match keys with
    | [] -> node
    | key :: rest -> at rest node[key]

let scalar (node: YamlNode) = nonNull (node :?> YamlScalarNode).Value

let private items (node: YamlNode) =
    List.ofSeq (node :?> YamlSequenceNode).Children

let private pairs (node: YamlNode) = [
    for KeyValue(key, value) in (node :?> YamlMappingNode).Children -> scalar key, scalar value
]

/// The item with this name.
let private named (name: string) (node: YamlNode) =
    items node |> List.find (fun item -> scalar item["name"] = name)

/// The step of the workflow that exports. The expressions in its variables are those of a run.
let workflow =
    let file = "github-actions/evidence.yml"

    let step =
        List.exactlyOne (documents file)
        |> at [ "jobs"; "test"; "steps" ]
        |> items
        |> List.find (fun step ->
            match step with
            | :? YamlMappingNode as step ->
                step.Children.ContainsKey "name" && scalar step["name"] = "Export the evidence"
            | _ -> false)

    let expand (value: string) =
        Regex.Replace(value.Replace("${{ runner.temp }}", "/secrets"), @"\$\{\{[^}]*\}\}", "1")

    {
        File = file
        Variables = [ for name, value in pairs step["env"] -> name, expand value ]
        Script = scalar step["run"]
    }

let pipeline =
    let file = "gitlab-ci/.gitlab-ci.yml"
    let job = List.exactlyOne (documents file) |> at [ "export" ]

    {
        File = file
        Variables =
            [ "CI_PROJECT_DIR", "/project"; "CI_PIPELINE_ID", "1"; "BROKER_TOKEN", "token" ]
            @ [
                for name, value in pairs job["variables"] ->
                    name, value.Replace("$CI_PROJECT_DIR", "/project")
            ]
        Script = items job["script"] |> List.map scalar |> String.concat "\n"
    }

/// A unit of systemd, of the cell `cell-7`.
let unit (file: string) =
    let lines (name: string) = [
        for found in Regex.Matches(read file, $"(?m)^{name}=(.*)$") ->
            found.Groups[1].Value.Replace("%i", "cell-7").Replace("%d", "/secrets")
    ]

    {
        File = file
        Variables = [
            for line in lines "Environment" do
                let at = line.IndexOf '='
                line.Substring(0, at), line.Substring(at + 1)
        ]
        Script =
            (List.exactlyOne (lines "ExecStart"))
                .Replace("/usr/local/bin/cellos-export-s3", "cellos-export-s3")
    }

/// The container of a Job that exports.
let job (file: string) =
    let container =
        documents file
        |> List.find (fun document -> scalar document["kind"] = "Job")
        |> at [ "spec"; "template"; "spec"; "containers" ]
        |> named "export"

    let index = "$(JOB_COMPLETION_INDEX)"

    {
        File = file
        Variables = [
            yield "JOB_COMPLETION_INDEX", "0"
            for variable in items container["env"] do
                yield scalar variable["name"], scalar variable["value"]
        ]
        Script =
            "cellos-export-s3 "
            + (items container["args"]
               |> List.map (fun it -> quote ((scalar it).Replace(index, "0")))
               |> String.concat " ")
    }

/// Each piece of shell in the examples.
let scripts = [
    for document in documents "github-actions/evidence.yml" do
        for step in items (at [ "jobs"; "test"; "steps" ] document) do
            match step with
            | :? YamlMappingNode as step when step.Children.ContainsKey "run" -> scalar step["run"]
            | _ -> ()
    pipeline.Script
]

let all = [
    workflow
    pipeline
    unit "systemd/cellos-export@.service"
    unit "systemd/cellos-drain.service"
    job "kubernetes/export-job.yaml"
    job "kubernetes/indexed-job.yaml"
]

/// The example with its absolute paths below a folder, and the spec of all examples where each expects it.
let placed (folder: Folder) (example: Example) =
    let below (text: string) =
        Regex
            .Replace(
                text,
                @"(?<![\w./:-])/(etc|var|srv|secrets|project|evidence|receipts|run)\b",
                $"{folder.Path}/$1"
            )
            .Replace("unix:/run", $"unix:{folder.Path}/run")

    for path in [ "cell.yaml"; "etc/cellos/cell.yaml" ] do
        folder.Write(path, read "cell.yaml") |> ignore

    for path in
        [
            "secrets/broker-token"
            "project.tmp/broker-token"
            "run/secrets/broker/token"
        ] do
        let file = folder.Write(path, "token")
        File.SetUnixFileMode(file, UnixFileMode.UserRead ||| UnixFileMode.UserWrite)

    for path in [ "out"; "evidence"; "srv/cells/cell-7/out" ] do
        folder.Write($"{path}/report.json", "{}") |> ignore

    for path in [ "receipts"; "var/lib/cellos"; "project" ] do
        Directory.CreateDirectory(folder.At path) |> ignore

    {
        example with
            Variables = [ for name, value in example.Variables -> name, below value ]
            Script = below example.Script
    }
