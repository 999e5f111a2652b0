use super::*;

/// A made-up copy of the package with the server behind m5 as Boavizta publishes it: two processors of 240 W and 48
/// threads, twelve modules of 32 GB, six years.
fn files() -> Files<'static> {
    Files {
        instances: "id,vcpu,memory,ssd_storage,hdd_storage,gpu_units,platform,source\n\
            m5.xlarge,4,16,0,0,0,m5.metal,\n\
            disk.large,4,16,300,1000,0,disk.metal,\n\
            gpu.large,4,16,0,0,1,m5.metal,\n\
            lost.large,4,16,0,0,0,nowhere,\n\
            blank.large,4,16,0,0,0,blank.metal,\n",
        servers: "id,CPU.units,CPU.name,RAM.units,RAM.capacity,SSD.units,SSD.capacity,HDD.units,HDD.capacity,\
            POWER_SUPPLY.units,POWER_SUPPLY.unit_weight,USAGE.hours_life_time\n\
            m5.metal,2,Xeon 8175M,12,32,0,0,0,0,2;2;2,2.99;1;5,52560\n\
            disk.metal,2,Xeon 8175M,12,32,2,900,4,2000,2;2;2,2.99;1;5,52560\n\
            blank.metal,2,,12,32,0,0,0,0,2,2.99,52560\n",
        regions: "provider,region,usage_location\naws,eu-west-1,IRL\naws,us-east-1,USA\nazure,northeurope,IRL\n",
        processors: "name,code_name,tdp,cores,threads,total_die_size\nXeon 8175M,Skylake,240,24,48,615.4\n",
        ram: "manufacturer,process,density\nA,30,1.0\nB,20,2.0\n",
        ssd: "manufacturer,density\nA,40\nB,60\n",
        electricity: "name,priority,IRL,USA\ngwp,3,0.648,0.680\ngwp,1,0.384,\ngwp,2,,0.370\npe,3,1,1\n",
        memory_types: "cpu_family,memory_type\nSkylake,DDR4\n",
    }
}

fn tables() -> (Import, Boavizta) {
    let import = import(&files()).unwrap();
    let tables = Boavizta::from_csv(&import.instances_csv, &import.regions_csv).unwrap();
    (import, tables)
}

fn close(ours: f64, theirs: f64, tolerance: f64) -> bool {
    (ours - theirs).abs() <= tolerance * theirs.abs()
}

/// BoaviztAPI 2.5.0 answers 5.4, 10.9, 22.6 and 30.3 W; at 50 % processors 14.963 W and memory 2.023 W, times 1.33.
#[test]
fn an_m5_xlarge_draws_what_boavizta_says() {
    let (_, tables) = tables();
    let power_w = tables.instance("m5.xlarge").unwrap().power_w;
    assert!(close(power_w[5], (14.963 + 2.023) * 1.33, 1e-4), "{power_w:?}");
    for (place, theirs) in [(0, 5.4), (1, 10.9), (5, 22.6), (10, 30.3)] {
        assert!((power_w[place] - theirs).abs() < 0.06, "{power_w:?}");
    }
    assert!(power_w.is_sorted());
}

/// 4 of 96 threads and 16 of 384 GB of: two processors of 615 mm2, twelve modules of 32 GB at a mean density of
/// 1.5 GB/cm2, and assembly, case, board and two power supplies; over 52,560 hours.
#[test]
fn embodied_emissions_by_hand() {
    let (_, tables) = tables();
    let processors = 2.0 * (9.14 + 0.0197 * 615.0);
    let memory = 12.0 * (5.22 + 2.20 * 32.0 / 1.5);
    let rest = 6.68 + 150.0 + 66.10 + 2.0 * 2.99 * 24.30;
    let by_hand = (processors + memory + rest) / 24.0 / 52_560.0 * 1000.0;
    let instance = tables.instance("m5.xlarge").unwrap();
    assert!(close(instance.embodied_g_per_hour, by_hand, 1e-12), "{instance:?} {by_hand}");
    assert_eq!(instance.embodied_scope, EmbodiedScope::Whole);
    assert_eq!(tables.instance("gpu.large").unwrap().embodied_scope, EmbodiedScope::WithoutGpus);
}

/// A third of a server's 900 GB drive and half of a 2,000 GB disk: 8 W x 1/3 and 6.4 W x 1/2, not raised by a third.
#[test]
fn disks_draw_by_their_share() {
    let (_, tables) = tables();
    let without = tables.instance("m5.xlarge").unwrap();
    let with = tables.instance("disk.large").unwrap();
    for (a, b) in with.power_w.iter().zip(without.power_w) {
        assert!(close(a - b, 8.0 / 3.0 + 3.2, 1e-9));
    }
    let drives_kg = (6.34 + 2.20 * 900.0 / 50.0) / 3.0 + 31.11 / 2.0;
    let more = with.embodied_g_per_hour - without.embodied_g_per_hour;
    assert!(close(more, drives_kg * 1000.0 / 52_560.0, 1e-9));
}

#[test]
fn regions_take_the_first_source_that_has_their_country() {
    let (import, tables) = tables();
    assert_eq!(import.regions_csv, "region,country,g_per_kwh\neu-west-1,IRL,384.0\nus-east-1,USA,370.0\n");
    assert!(close(tables.region("us-east-1").unwrap().g_per_kwh, 370.0, 1e-12));
    assert!(tables.region("northeurope").is_none());
}

#[test]
fn types_without_a_server_or_a_processor_are_named() {
    let (import, _) = tables();
    let named: Vec<&str> = import.skipped.iter().map(|skipped| skipped.instance_type.as_str()).collect();
    assert_eq!(named, ["lost.large", "blank.large"]);
}

#[test]
fn a_file_of_another_kind_is_refused() {
    let error = import(&Files { servers: "a,b\n1,2\n", ..files() }).unwrap_err().to_string();
    assert_eq!(error, "archetypes/server.csv: column `id` is missing");
    let error = import(&Files { ram: "density\nthick\n", ..files() }).unwrap_err().to_string();
    assert_eq!(error, "crowdsourcing/ram_manufacture.csv: line 2, column `density`: `thick` is not a number");
}
