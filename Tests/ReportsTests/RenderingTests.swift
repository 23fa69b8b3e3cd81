import Testing

import Reports

/// What each format looks like, byte for byte. The numbers were checked by hand (60.65, 2.824 = √(23.93/3)) and with scipy's
/// t for three degrees of freedom; the texts were read before they were kept.
struct RenderingTests {
    private let table = SummaryTable.make(info: info, cells: cells)

    @Test func `the terminal table`() {
        #expect(
            table.rendered(as: .table) == #"""
                example: validation_accuracy at epoch 2 (percent)

                arm       mean ± std    95% interval  median    min    max         n
                ────────────────────────────────────────────────────────────────────
                random  60.65 ± 2.82  56.16 to 65.14   60.80  57.10  63.90    4 of 4
                k_3        65.10 ± —               —   65.10  65.10  65.10  1 of 4 *
                late             n/a             n/a     n/a    n/a    n/a  0 of 4 *

                protocol: independent (every run starts from its initialization); profile: paper
                scale: 2 evaluation pairs instead of 10
                std: divisor n − 1; 95% interval: Student's t, cells taken as independent, although they share pairs and replicates
                * 7 of 12 cells have no value and are in no mean: 1 failed, 1 diverged, 5 not finished
                * k_3 10-14 replicate 2: diverged
                * k_3 11-12 replicate 1: failed (OUT_OF_MEMORY?[31m)
                * k_3 11-12 replicate 2: not finished
                * late 10-14 replicate 1: not finished
                * late 10-14 replicate 2: not finished
                * and 2 more

                """#)
    }

    @Test func `CSV`() {
        #expect(
            table.rendered(as: .csv) == #"""
                arm,metric,epoch,n,n_expected,n_failed,mean,std,sem,ci_low,ci_high,median,min,max,n_diverged,complete,protocol,profile,deviations
                random,validation_accuracy,2,4,4,0,60.650000,2.824299,1.412150,56.155910,65.144090,60.800000,57.100000,63.900000,0,true,independent,paper,scale: 2 evaluation pairs instead of 10
                k_3,validation_accuracy,2,1,4,1,65.100000,,,,,65.100000,65.100000,65.100000,1,false,independent,paper,scale: 2 evaluation pairs instead of 10
                late,validation_accuracy,2,0,4,0,,,,,,,,,0,false,independent,paper,scale: 2 evaluation pairs instead of 10

                """#)
    }

    @Test func `JSON, one versioned object`() {
        #expect(
            table.rendered(as: .json) == #"""
                {
                  "version": 1,
                  "kind": "summary-table",
                  "study": "example",
                  "study_digest": "00ff",
                  "profile": "paper",
                  "protocol": "independent",
                  "metric": "validation_accuracy",
                  "unit": "percent",
                  "epoch": 2,
                  "rows_by": "arm",
                  "deviations": ["scale: 2 evaluation pairs instead of 10"],
                  "rows": [
                    {"arm":"random","metric":"validation_accuracy","epoch":2,"n":4,"n_expected":4,"n_failed":0,"mean":60.650000,"std":2.824299,"sem":1.412150,"ci_low":56.155910,"ci_high":65.144090,"median":60.800000,"min":57.100000,"max":63.900000,"n_diverged":0,"complete":true},
                    {"arm":"k_3","metric":"validation_accuracy","epoch":2,"n":1,"n_expected":4,"n_failed":1,"mean":65.100000,"std":null,"sem":null,"ci_low":null,"ci_high":null,"median":65.100000,"min":65.100000,"max":65.100000,"n_diverged":1,"complete":false},
                    {"arm":"late","metric":"validation_accuracy","epoch":2,"n":0,"n_expected":4,"n_failed":0,"mean":null,"std":null,"sem":null,"ci_low":null,"ci_high":null,"median":null,"min":null,"max":null,"n_diverged":0,"complete":false}
                  ],
                  "footnotes": [
                    "protocol: independent (every run starts from its initialization); profile: paper",
                    "scale: 2 evaluation pairs instead of 10",
                    "std: divisor n − 1; 95% interval: Student's t, cells taken as independent, although they share pairs and replicates",
                    "* 7 of 12 cells have no value and are in no mean: 1 failed, 1 diverged, 5 not finished",
                    "* k_3 10-14 replicate 2: diverged",
                    "* k_3 11-12 replicate 1: failed (OUT_OF_MEMORY?[31m)",
                    "* k_3 11-12 replicate 2: not finished",
                    "* late 10-14 replicate 1: not finished",
                    "* late 10-14 replicate 2: not finished",
                    "* and 2 more"
                  ]
                }

                """#)
    }

    @Test func `JSON Lines`() {
        #expect(
            table.rendered(as: .jsonl) == #"""
                {"arm":"random","metric":"validation_accuracy","epoch":2,"n":4,"n_expected":4,"n_failed":0,"mean":60.650000,"std":2.824299,"sem":1.412150,"ci_low":56.155910,"ci_high":65.144090,"median":60.800000,"min":57.100000,"max":63.900000,"n_diverged":0,"complete":true,"protocol":"independent","profile":"paper","deviations":"scale: 2 evaluation pairs instead of 10"}
                {"arm":"k_3","metric":"validation_accuracy","epoch":2,"n":1,"n_expected":4,"n_failed":1,"mean":65.100000,"std":null,"sem":null,"ci_low":null,"ci_high":null,"median":65.100000,"min":65.100000,"max":65.100000,"n_diverged":1,"complete":false,"protocol":"independent","profile":"paper","deviations":"scale: 2 evaluation pairs instead of 10"}
                {"arm":"late","metric":"validation_accuracy","epoch":2,"n":0,"n_expected":4,"n_failed":0,"mean":null,"std":null,"sem":null,"ci_low":null,"ci_high":null,"median":null,"min":null,"max":null,"n_diverged":0,"complete":false,"protocol":"independent","profile":"paper","deviations":"scale: 2 evaluation pairs instead of 10"}

                """#)
    }

    @Test func `Markdown`() {
        #expect(
            table.rendered(as: .markdown) == #"""
                **example: validation\_accuracy at epoch 2 (percent)**

                | arm | mean ± std | 95% interval | median | min | max | n |
                | --- | ---: | ---: | ---: | ---: | ---: | ---: |
                | random | 60.65 ± 2.82 | 56.16 to 65.14 | 60.80 | 57.10 | 63.90 | 4 of 4 |
                | k\_3 | 65.10 ± — | — | 65.10 | 65.10 | 65.10 | 1 of 4 \* |
                | late | n/a | n/a | n/a | n/a | n/a | 0 of 4 \* |

                - protocol: independent (every run starts from its initialization); profile: paper
                - scale: 2 evaluation pairs instead of 10
                - std: divisor n − 1; 95% interval: Student's t, cells taken as independent, although they share pairs and replicates
                - \* 7 of 12 cells have no value and are in no mean: 1 failed, 1 diverged, 5 not finished
                - \* k\_3 10-14 replicate 2: diverged
                - \* k\_3 11-12 replicate 1: failed (OUT\_OF\_MEMORY?\[31m)
                - \* k\_3 11-12 replicate 2: not finished
                - \* late 10-14 replicate 1: not finished
                - \* late 10-14 replicate 2: not finished
                - \* and 2 more

                """#)
    }

    @Test func `LaTeX with booktabs`() {
        #expect(
            table.rendered(as: .latex) == #"""
                % example: validation_accuracy at epoch 2 (percent); needs \usepackage{booktabs}
                \begin{tabular}{lrrrrrr}
                \toprule
                arm & mean $\pm$ std & 95\% interval & median & min & max & n \\
                \midrule
                random & 60.65 $\pm$ 2.82 & 56.16 to 65.14 & 60.80 & 57.10 & 63.90 & 4 of 4 \\
                k\_3 & 65.10 $\pm$ --- & --- & 65.10 & 65.10 & 65.10 & 1 of 4 * \\
                late & n/a & n/a & n/a & n/a & n/a & 0 of 4 * \\
                \bottomrule
                \end{tabular}
                \par\medskip
                {\footnotesize protocol: independent (every run starts from its initialization); profile: paper\par}
                {\footnotesize scale: 2 evaluation pairs instead of 10\par}
                {\footnotesize std: divisor n $-$ 1; 95\% interval: Student's t, cells taken as independent, although they share pairs and replicates\par}
                {\footnotesize * 7 of 12 cells have no value and are in no mean: 1 failed, 1 diverged, 5 not finished\par}
                {\footnotesize * k\_3 10-14 replicate 2: diverged\par}
                {\footnotesize * k\_3 11-12 replicate 1: failed (OUT\_OF\_MEMORY?[31m)\par}
                {\footnotesize * k\_3 11-12 replicate 2: not finished\par}
                {\footnotesize * late 10-14 replicate 1: not finished\par}
                {\footnotesize * late 10-14 replicate 2: not finished\par}
                {\footnotesize * and 2 more\par}

                """#)
    }

    @Test func `precision is the reader's choice`() {
        #expect(table.rendered(as: .csv, precision: 3).contains("random,validation_accuracy,2,4,4,0,60.650,2.824,1.412,56.156,65.144"))
        #expect(table.rendered(as: .markdown, precision: 0).contains("| random | 61 ± 3 | 56 to 65 |"))
    }

    @Test func `group keys are columns`() {
        let pairs = SummaryTable.make(info: info, cells: cells, grouping: .armAndPair)
        #expect(pairs.rendered(as: .csv).hasPrefix("arm,pair,metric,epoch,n,"))
        #expect(pairs.rendered(as: .csv).contains("\nrandom,11-12,validation_accuracy,2,2,2,0,62.650000,"))
        #expect(pairs.rendered(as: .table).contains("arm     pair "))
    }
}
