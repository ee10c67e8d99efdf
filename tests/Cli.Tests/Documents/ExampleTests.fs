/// The examples do what they say, and the tools of their fields accept them.
module Cli.Tests.ExampleTests

open System
open System.IO
open System.Text.RegularExpressions
open Expecto
open LoopbackS3
open Cli.Tests.Example
open Cli.Tests.Scene
open Cli.Tests.Support

let private files =
    Directory.GetFiles(Path.Combine(root, "examples"), "*", SearchOption.AllDirectories)
    |> Array.map (fun path -> Path.GetRelativePath(Path.Combine(root, "examples"), path))
    |> List.ofArray

/// The script in a folder, with the tool under test.
let private runIn (folder: Folder) (variables: (string * string) list) (script: string) =
    task {
        let prepared =
            $"set -eu -o pipefail\ncd {quote folder.Path}\ncellos-export-s3() {{ {quotedTool} \"$@\"; }}\n"

        use child = new Child("bash", [ "-c"; prepared + script ], variables)
        return! child.End()
    }

/// Variables of a scene in place of those of the broker, which is elsewhere.
let private withStore (scene: Scene) (example: Example) =
    scene.SeedVariables
    @ (example.Variables
       |> List.filter (fun (name, _) ->
           not (name.StartsWith "CELLOS_EXPORT_S3_BROKER_" || name.Contains "BIND_DIGEST")))

/// The first command of the script that is the tool's, as `check` with the same options and PATHs.
let private asCheck (script: string) =
    let line =
        script.Split '\n'
        |> Array.find (fun line -> line.TrimStart().StartsWith "cellos-export-s3 ")

    Regex.Replace(line, "'?--(receipts)[= ][^ ]+|'?--(resume|quiet)\\b'?", "")
    |> fun line -> Regex.Replace(line, "cellos-export-s3 '?(push|drain)'?", "cellos-export-s3 check")

let private modules = Path.Combine(root, "obj", "fields")

/// Runs JavaScript that imports modules of the fields' own packages.
let private node (needed: string) (script: string) (arguments: string list) =
    task {
        if not (has "node" && Directory.Exists(Path.Join(modules, "node_modules", needed))) then
            skiptest $"{needed} is missing; .ci/run installs it with npm in obj/fields"

        let command =
            [ "--input-type=module"; "-e"; script; "--" ] @ arguments
            |> List.map quote
            |> String.concat " "

        use child =
            new Child("bash", [ "-c"; $"cd {quote modules} && exec node {command}" ], [])

        let! struct (code, output, error) = child.End()
        Expect.equal code 0 error
        return output.Trim()
    }

let private inExamples (file: string) = Path.Combine(root, "examples", file)

/// Prints what the parser of GitHub's own editor extension reports. It imports JSON in a way that Node 20 refuses.
let private parseWorkflow =
    """
import { readFileSync } from 'node:fs';
import { register } from 'node:module';
register('data:text/javascript,' + encodeURIComponent(`import { readFileSync } from 'node:fs';
export async function load(url, context, next) {
  return url.endsWith('.json')
    ? { format: 'module', source: 'export default ' + readFileSync(new URL(url), 'utf8'), shortCircuit: true }
    : next(url, context);
}`));
const { parseWorkflow, NoOperationTraceWriter } = await import('@actions/workflow-parser');
const content = readFileSync(process.argv[1], 'utf8');
const parsed = parseWorkflow({ name: 'evidence.yml', content }, new NoOperationTraceWriter());
for (const error of parsed.context.errors.getErrors()) console.log(error.message);
"""

let private validateKubernetes =
    """
import { readFileSync } from 'node:fs';
import yaml from 'yaml';
import { Job } from 'kubernetes-models/batch/v1';
import * as core from 'kubernetes-models/v1';
for (const document of yaml.parseAllDocuments(readFileSync(process.argv[1], 'utf8'), { merge: true })) {
  const object = document.toJS();
  try { new ({ Job, ...core }[object.kind])(object).validate(); console.log(object.kind); }
  catch (error) { console.log(error.message); }
}
"""

/// What the parsers report of a file, and of the same file with a mistake.
let private reports (needed: string) (script: string) (file: string) (correct: string) (mistake: string) =
    task {
        let! found = node needed script [ inExamples file ]
        use folder = new Folder()
        let text = File.ReadAllText(inExamples file)
        Expect.stringContains text correct "what is changed"
        let changed = folder.Write("changed.yml", text.Replace(correct, mistake))
        let! wrong = node needed script [ changed ]
        return found, wrong
    }

[<Tests>]
let tests =
    testList "the examples" [
        testCase "are all listed on their page, and are all tested" (fun () ->
            let page = File.ReadAllText(inExamples "README.md")

            let named =
                Regex.Matches(page, @"\]\(([\w@./-]+)\)")
                |> Seq.map _.Groups[1].Value
                |> Seq.filter (fun link -> not (link.StartsWith "../"))
                |> Seq.distinct
                |> List.ofSeq

            Expect.sequenceEqual
                (List.sort named)
                (files |> List.filter ((<>) "README.md") |> List.sort)
                "the files"

            let tested =
                [ for it in all -> it.File ] @ [ "cell.yaml"; "systemd/cellos-drain.timer" ]

            Expect.sequenceEqual (List.sort tested) (List.sort named) "tested")

        for example in all do
            testCaseTask $"{example.File}: check accepts its settings, options and paths" (fun () ->
                task {
                    use folder = new Folder()
                    let it = placed folder example
                    let! struct (code, output, error) = runIn folder it.Variables (asCheck it.Script)
                    Expect.equal code 0 (output + error)

                    for name, value in it.Variables do
                        if name.StartsWith "CELLOS_EXPORT_S3_BROKER_URL" then
                            Expect.stringContains output name "check shows where the URLs come from"
                            Expect.stringContains output (value.Replace("/v1/urls", "")) "and the broker"

                    if not (it.Script.Contains "drain" || it.Script.Contains "--shard") then
                        Expect.stringContains output "report.json" "and what is exported"
                })

            testCaseTask $"{example.File}: exports" (fun () ->
                task {
                    use! scene = sceneBehind true
                    let it = placed scene.Folder example
                    let! struct (code, output, error) = runIn scene.Folder (withStore scene it) it.Script
                    Expect.equal code 0 (output + error)

                    let receipts =
                        if it.Script.Contains "drain" then
                            []
                        else
                            [
                                for path in
                                    Directory.GetFiles(
                                        scene.Folder.Path,
                                        "*.jsonl",
                                        SearchOption.AllDirectories
                                    ) do
                                    yield! objects (File.ReadAllText path)
                            ]

                    if not (it.Script.Contains "drain" || it.Script.Contains "--shard") then
                        Expect.hasLength receipts 1 "a receipt"

                    receipts |> List.iter scene.IsTrue
                })

        testCaseTask "the units of systemd: what one keeps in the spool, the other one exports" (fun () ->
            task {
                use! scene = sceneBehind true
                let folder = scene.Folder
                let export = placed folder (unit "systemd/cellos-export@.service")
                let drain = placed folder (unit "systemd/cellos-drain.service")
                scene.Server.OnAttempt <- fun _ -> Fault.Status 503
                let! struct (code, _, error) = runIn folder (withStore scene export) export.Script
                Expect.equal code 3 error
                scene.Server.OnAttempt <- null
                let! struct (code, _, error) = runIn folder (withStore scene drain) drain.Script
                Expect.equal code 0 error

                objects (File.ReadAllText(folder.At "var/lib/cellos/drained.jsonl"))
                |> List.exactlyOne
                |> scene.IsTrue

                for file in [ "systemd/cellos-export@.service"; "systemd/cellos-drain.service" ] do
                    Expect.stringContains (File.ReadAllText(inExamples file)) "SuccessExitStatus=3" file
            })

        testCaseTask "the units of systemd are valid" (fun () ->
            task {
                if not (has "systemd-analyze") then
                    skiptest "systemd-analyze is not installed"

                use folder = new Folder()

                let units = [
                    for file in files do
                        if file.StartsWith "systemd/" then
                            let text = File.ReadAllText(inExamples file)
                            let name = nonNull (Path.GetFileName file)
                            // A program that is there.
                            folder.Write(name, text.Replace("/usr/local/bin/cellos-export-s3", "/bin/true"))
                ]

                Expect.hasLength units 3 "units"

                let verify (units: string list) =
                    task {
                        use child = new Child("systemd-analyze", [ "verify"; "--man=no" ] @ units, [])
                        let! struct (code, output, error) = child.End()
                        return code, output + error
                    }

                let! code, said = verify units

                if said.Contains "Failed to initialize manager" then
                    skiptest $"systemd-analyze does not run here: {said}"

                Expect.equal (code, said) (0, "") "no error and no warning"

                let wrong =
                    folder.Write(
                        "wrong.service",
                        File
                            .ReadAllText(units |> List.find _.EndsWith("export@.service"))
                            .Replace("Type=oneshot", "Typ=x")
                    )

                let! _, said = verify [ wrong ]
                Expect.stringContains said "Typ" "a mistake is reported"
            })

        testCaseTask "the workflow is valid for GitHub's own parser" (fun () ->
            task {
                let! found, wrong =
                    reports
                        "@actions/workflow-parser"
                        parseWorkflow
                        "github-actions/evidence.yml"
                        "runs-on"
                        "runs-off"

                Expect.equal found "" "no error"
                Expect.stringContains wrong "Unexpected value 'runs-off'" "a mistake is reported"
            })

        for file, kinds in
            [
                "kubernetes/export-job.yaml", "ServiceAccount\nConfigMap\nJob"
                "kubernetes/indexed-job.yaml", "Job"
            ] do
            testCaseTask $"{file} is valid by the schemas of Kubernetes" (fun () ->
                task {
                    let! found, wrong =
                        reports
                            "kubernetes-models"
                            validateKubernetes
                            file
                            "ttlSecondsAfterFinished: 86400"
                            "ttlSecondsAfterFinished: x"

                    Expect.equal found kinds "each object"
                    Expect.stringContains wrong "ttlSecondsAfterFinished" "a mistake is reported"
                })

        testCase "the cell spec in the ConfigMap is that of the other examples" (fun () ->
            let spec =
                documents "kubernetes/export-job.yaml"
                |> List.find (fun document -> scalar document["kind"] = "ConfigMap")
                |> at [ "data"; "cell.yaml" ]
                |> scalar

            Expect.equal spec (File.ReadAllText(inExamples "cell.yaml")) "one spec")

        testCaseTask "the pipeline is valid by the schema of GitLab" (fun () ->
            task {
                let program = Path.Join(modules, "node_modules", ".bin", "gitlab-ci-local")

                if not (has "node" && has "git" && File.Exists program) then
                    skiptest "gitlab-ci-local is missing; .ci/run installs it with npm in obj/fields"

                use folder = new Folder()

                let list (text: string) =
                    task {
                        folder.Write(".gitlab-ci.yml", text) |> ignore

                        let script =
                            "test -d .git || { git init --quiet && git remote add origin git@gitlab.example:me/app.git; }\n"
                            + "git add .gitlab-ci.yml\n"
                            + $"HOME=$PWD {quote program} --list 2>&1\n"

                        let! struct (code, output, _) = runIn folder [] script
                        return code, output
                    }

                let pipeline = File.ReadAllText(inExamples "gitlab-ci/.gitlab-ci.yml")
                let! code, output = list pipeline
                Expect.equal code 0 output
                Expect.stringContains output "schema validated" "it looked"
                let! code, output = list (pipeline.Replace("stage: export", "stagee: export"))
                Expect.equal (code, output.Contains "stagee") (1, true) "a mistake is reported"
            })

        testCaseTask "the shell in them has no mistake that shellcheck finds" (fun () ->
            task {
                if not (has "shellcheck") then
                    skiptest "shellcheck is not installed"

                use folder = new Folder()
                Expect.isGreaterThan scripts.Length 3 "scripts"

                for index, script in List.indexed scripts do
                    let path = folder.Write($"{index}.sh", script)
                    use child = new Child("shellcheck", [ "--shell=bash"; path ], [])
                    let! struct (code, output, error) = child.End()
                    Expect.equal code 0 (output + error)
            })

        testCase "name no registry, and no place that is not an example's" (fun () ->
            for file in files do
                let hosts =
                    Regex.Matches(File.ReadAllText(inExamples file), "https?://([^/\"`, ]+)")
                    |> Seq.map _.Groups[1].Value
                    |> Seq.filter (fun host ->
                        not (
                            host.EndsWith ".example"
                            || host = "unix:"
                            || host = "token.actions.githubusercontent.com"
                        ))

                Expect.isEmpty hosts file)
    ]
